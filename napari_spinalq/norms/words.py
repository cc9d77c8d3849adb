"""Where a value lies among healthy people, in words that are no diagnosis."""

from __future__ import annotations

from scipy.special import ndtr

from napari_spinalq.norms.reference import SD_TO_CENTRAL_95


def percentile_of(z: float) -> float:
    """Return the percentile, 0..100, of a z-score in a normal distribution.

    Examples
    --------
    >>> round(percentile_of(-1.96), 1), percentile_of(0.0)
    (2.5, 50.0)
    """
    return float(100.0 * ndtr(z))


def place_in_words(z: float) -> str:
    """Say where a z-score lies.

    Examples
    --------
    >>> place_in_words(-2.4)
    'below the 2.5th percentile of the reference'
    >>> place_in_words(2.0)
    'above the 97.5th percentile of the reference'
    >>> place_in_words(-0.5)
    'within the central 95 % of the reference'
    """
    if z < -SD_TO_CENTRAL_95:
        return "below the 2.5th percentile of the reference"
    if z > SD_TO_CENTRAL_95:
        return "above the 97.5th percentile of the reference"
    return "within the central 95 % of the reference"
