"""How far each slice of an automatic cord can be trusted: a probability, and an interval for its area.

Both are regressions on what the segmentation itself knows, fitted by ``benchmarks/confidence.py`` to perturbed copies
of labelled scans and digital exams, and checked there on other draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.cord.refine import Outlines
from napari_spinalq.errors import InputError

GOOD_DICE = 0.9
"""A slice is good if its Dice with the reference reaches this: two readers differ by about as much."""

GOOD_MODEL = (-5.75, -1.45, 8.08, -1.18)
"""Coefficients of the log odds that a slice is good, for the columns of :func:`features`."""

AREA_MODEL = (1.26, 0.85, -3.58, 2.70)
"""Coefficients of the logarithm of the scale of the error of the logarithm of area, for the same columns."""

INTERVAL_FACTOR = 2.73
"""Scales within which 95 % of the errors of the calibration draws lie: they are not normally distributed."""

MIN_CONFIDENCE = 0.8
"""Slices of lower confidence are to be looked at first: of such slices about a third are not good."""

BRIDGED_CONFIDENCE = 0.75
"""A slice that shows no cord by itself is never said to be surer: its outline rests on its neighbours."""

RECORDED = {"probability": 1.0, "area_error_percent": 100.0}
"""The lists of a record, and their largest value."""

MEND_RECORD = "segment the cord again, or take it out of the sidecar"

SMALLEST_DISAGREEMENT = 0.01
"""Disagreement as a share of the radius below which less says nothing more: 0.05 mm, half of the finest ray step."""


@dataclass(frozen=True, eq=False)
class Confidence:
    """What may be expected of each slice, from inferior to superior; NaN in slices without cord.

    Attributes
    ----------
    probability : (n_slices,) array
        Estimated probability, 0..1, that the outline reaches a Dice of ``GOOD_DICE`` with a reader's.
    area_error_percent : (n_slices,) array
        Half the width of the 95 % interval of the area, percent of the area.
    """

    probability: NDArray[np.float64]
    area_error_percent: NDArray[np.float64]

    @property
    def low(self) -> NDArray[np.bool_]:
        """Slices to be looked at first, shape (n_slices,)."""
        return np.nan_to_num(self.probability, nan=1.0) < MIN_CONFIDENCE

    def worst_first(self) -> NDArray[np.int_]:
        """Return the numbers of the low slices, the least certain first."""
        low = np.flatnonzero(self.low)
        return low[np.argsort(self.probability[low], kind="stable")]

    def without(self, slices: Iterable[int]) -> Confidence:
        """Return the confidence with none in these slices: those that a person drew."""
        drawn = np.isin(np.arange(len(self.probability)), list(slices))
        return Confidence(*(np.where(drawn, np.nan, part) for part in (self.probability, self.area_error_percent)))

    def record(self) -> dict[str, list[float | None]]:
        """Return both as lists fit for JSON, None in slices without."""
        return {
            "probability": _listed(self.probability, 3),
            "area_error_percent": _listed(self.area_error_percent, 1),
        }


def recorded_confidence(parameters: Mapping[str, Any], count: int) -> Confidence | None:
    """Return the confidence that a mask's parameters tell, less that of slices which a person edited since.

    Parameters
    ----------
    parameters : mapping
        Of a segmentation, from memory or from a sidecar.
    count : int
        Number of axial slices of the scan.

    Returns
    -------
    Confidence, optional
        None where nothing is told, or nobody knows which slices were edited.

    Raises
    ------
    InputError
        If what is told cannot be meant: nothing would then warn of slices of low confidence.
    """
    told, edited = parameters.get("confidence"), parameters.get("edited_slices")
    if told is not None:
        parts = [_recorded(told, name, count, largest) for name, largest in RECORDED.items()]
    if edited is not None and not (isinstance(edited, list) and all(_is_slice(one, count) for one in edited)):
        raise InputError(f"The record of edited slices is no list of slices from 0 to {count - 1}; {MEND_RECORD}.")
    if told is None or (edited is None and parameters.get("edited_by_hand")):
        return None
    return Confidence(*parts).without(edited or ())


def _is_slice(value: object, count: int) -> bool:
    return type(value) is int and 0 <= value < count  # True and False are no slices


def _recorded(told: object, name: str, count: int, largest: float) -> NDArray[np.float64]:
    """Return one list of a record, NaN where it holds None."""
    values = told.get(name) if isinstance(told, Mapping) else None
    if isinstance(values, list) and len(values) == count:
        known = [value for value in values if value is not None]
        if all(type(value) in (int, float) and 0 <= value <= largest for value in known):
            return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    raise InputError(f"The record of confidence holds no usable {name} of {count} slices; {MEND_RECORD}.")


def _listed(values: NDArray[np.float64], decimals: int) -> list[float | None]:
    return [round(float(value), decimals) if np.isfinite(value) else None for value in values]


def confidence_of(
    outlines: Outlines, kept: NDArray[np.bool_], pixel_mm: float, shown: NDArray[np.bool_] | None = None
) -> Confidence:
    """Estimate the confidence of each slice.

    Parameters
    ----------
    outlines : Outlines
        From :func:`~napari_spinalq.cord.refine.refine`.
    kept : (n_slices,) array of bool
        Slices that hold cord.
    pixel_mm : float
        In-plane pixel side (geometric mean), mm.
    shown : (n_slices,) array of bool, optional
        Slices that show cord by themselves; the others are drawn from their neighbours, to be looked at in any case.
    """
    columns = features(outlines, pixel_mm)
    sure = good_probability(outlines, pixel_mm)
    if shown is not None:
        sure = np.where(shown, sure, np.minimum(sure, BRIDGED_CONFIDENCE))
    half_width = 100.0 * np.expm1(np.clip(INTERVAL_FACTOR * np.exp(columns @ np.asarray(AREA_MODEL)), 0.0, np.log(2.0)))
    unknown = np.full(len(kept), np.nan)
    return Confidence(np.where(kept, sure, unknown), np.where(kept, half_width, unknown))


def good_probability(outlines: Outlines, pixel_mm: float) -> NDArray[np.float64]:
    """Return the estimated probability that each outline is good, 0..1, shape (n_slices,)."""
    odds = np.clip(features(outlines, pixel_mm) @ np.asarray(GOOD_MODEL), -50.0, 50.0)
    return np.asarray(1.0 / (1.0 + np.exp(-odds)), dtype=np.float64)


def features(outlines: Outlines, pixel_mm: float) -> NDArray[np.float64]:
    """Return what the regressions read, (n_slices, 4).

    The columns: 1; the logarithm of the mean distance between the network's outline and the edge found, as a share of
    the radius; the mean edge strength on the outline; the pixel as a share of the radius.
    """
    radius_mm = np.sqrt(np.maximum(outlines.areas_mm2, 1.0) / np.pi)
    apart_mm = np.abs(outlines.radii_mm - outlines.expected_mm).mean(axis=1)
    return np.column_stack(
        [
            np.ones(len(radius_mm)),
            np.log(apart_mm / radius_mm + SMALLEST_DISAGREEMENT),
            outlines.edges.mean(axis=1),
            pixel_mm / radius_mm,
        ]
    )
