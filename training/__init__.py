"""Training of the cord networks on synthetic images: anatomy, scenes, acquisition, networks, trainer, export.

Nothing here is part of the installed package; ``python -m training.train`` makes its weights again.
"""
