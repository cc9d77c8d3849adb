"""The measures that tables show: names, units, and what Spinal Cord Toolbox calls them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes
    ----------
    name : str
        In tables, such as ``"diameter_ap"``.
    attribute : str
        Of :class:`~napari_spinalq.metrics.shape.SliceShapes`.
    unit : str
        Empty for a pure number.
    sct_name : str
        In Spinal Cord Toolbox columns; empty where it has none.
    """

    name: str
    attribute: str
    unit: str
    sct_name: str = ""


MEASURES = (
    Measure("area", "area_mm2", "mm2", "area"),
    Measure("area_plain", "area_plain_mm2", "mm2"),
    Measure("diameter_ap", "diameter_ap_mm", "mm", "diameter_AP"),
    Measure("diameter_rl", "diameter_rl_mm", "mm", "diameter_RL"),
    Measure("eccentricity", "eccentricity", "", "eccentricity"),
    Measure("orientation", "orientation_deg", "deg", "orientation"),
    Measure("solidity", "solidity", "", "solidity"),
    Measure("perimeter", "perimeter_mm", "mm"),
    Measure("asymmetry", "asymmetry_percent", "%"),
    Measure("length", "length_mm", "mm", "length"),
    Measure("diameter_ap_ellipse", "diameter_ap_ellipse_mm", "mm", "diameter_AP_ellipse"),
    Measure("length_anterior", "length_anterior_mm", "mm", "length_anterior"),
    Measure("length_posterior", "length_posterior_mm", "mm", "length_posterior"),
    Measure("angle", "angle_deg", "deg"),
    Measure("angle_ap", "angle_ap_deg", "deg", "angle_AP"),
    Measure("angle_rl", "angle_rl_deg", "deg", "angle_RL"),
)
"""In the order of the tidy table: what is read most comes first."""

SUMMED = "length_mm"
"""The measure that adds up over the slices of a level; all others are averaged."""

AXIAL = "orientation_deg"
"""The measure that is the direction of an axis: 90 and -90 degrees are the same."""

STRUCTURE_TITLES = {"cord": "Cord", "gm": "GM", "wm": "WM", "canal": "Canal"}
"""What is measured, by its word in the column ``structure``, and how people write it."""

TISSUES = ("gm", "wm")
"""Structures within the cord: they take its direction and midline, and every piece of them counts."""

_OF_TISSUES = ("area", "area_plain", "asymmetry", "length")
"""Of a butterfly and of what surrounds it, diameters and ellipses say nothing."""


def measures_of(structure: str) -> tuple[Measure, ...]:
    """Return the measures of a structure in the order of the tidy table.

    Examples
    --------
    >>> [measure.name for measure in measures_of("gm")]
    ['area', 'area_plain', 'asymmetry', 'length']
    """
    if structure not in TISSUES:
        return MEASURES
    return tuple(measure for measure in MEASURES if measure.name in _OF_TISSUES)
