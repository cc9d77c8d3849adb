"""How long work tells the outside where it stands, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the fraction done (0..1) and a short phrase; may raise :class:`~napari_spinalq.errors.Cancelled`."""


def silent(fraction: float, phrase: str) -> None:
    """Listen to nothing: the default where nobody watches."""


def portion(progress: Progress, start: float, stop: float) -> Progress:
    """Map the whole range of a step onto ``start..stop`` of a longer piece of work.

    Examples
    --------
    >>> seen = []
    >>> step = portion(lambda fraction, phrase: seen.append(fraction), 0.5, 1.0)
    >>> step(0.5, "half of the second half")
    >>> seen
    [0.75]
    """

    def report(fraction: float, phrase: str) -> None:
        progress(start + (stop - start) * fraction, phrase)

    return report
