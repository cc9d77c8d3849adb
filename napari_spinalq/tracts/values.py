"""Values of a map in a tract, at a level: what extraction gives, and what tables and the viewer show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How the value of a tract is taken from a map (Levy et al. 2015, doi:10.1016/j.neuroimage.2015.06.040)."""

    WA = "wa"
    BIN = "bin"
    ML = "ml"
    MAP = "map"


@dataclass(frozen=True)
class TractValue:
    """One measured value, or why there is none.

    Attributes
    ----------
    structure : str
        Key of a tract or of a group of an :class:`~napari_spinalq.tracts.maps.TractMaps`.
    metric, unit : str
        What the map shows, such as ``"fa"`` (no unit) or ``"md"`` (``"1e-3 mm2/s"``).
    level : int
        Vertebral level; 0 for slices without one, or for all slices together.
    slices : tuple of int
        Work-order slices, from inferior.
    value, sd : float
        Estimate, and weighted standard deviation over voxels; NaN where the value is refused.
    low, high : float
        95 % interval of the estimate; NaN where it is not known.
    effective_voxels : float
        Sum of the shares of the tract in the voxels that were used.
    method : Method
        How it was taken.
    flag : str
        What a reader must know; why the value is refused.
    """

    structure: str
    metric: str
    unit: str
    level: int
    slices: tuple[int, ...]
    value: float
    sd: float
    low: float
    high: float
    effective_voxels: float
    method: Method
    flag: str = ""
