"""Quantitative spinal cord MRI that a clinician can correct and trust."""

from napari_spinalq._version import __version__

__all__ = ["__version__"]
