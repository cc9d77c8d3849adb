"""What edits did to the measures: before and after per level, against what a second scan would change anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from napari_spinalq.metrics.levels import LevelShapes
from napari_spinalq.quality.readers.overlap import SliceOverlap
from napari_spinalq.quality.readers.rescan import RescanNoise, rescan_noise
from napari_spinalq.vertebrae import level_name

STOP_AFTER = 3
"""Edits of a level that must together stay within rescan noise before it is called settled: one small stroke says
nothing about the strokes to come, such as the second of ten that mend a leak."""


class Verdict(StrEnum):
    """What an edit meant for the mean area of a level."""

    UNCHANGED = "unchanged"
    WITHIN = "within rescan noise"
    BEYOND = "larger than rescan noise"
    UNKNOWN = "rescan noise not known"


@dataclass(frozen=True)
class LevelChange:
    """A level of a mask before and after edits.

    Attributes
    ----------
    level : int
        1 (C1) to 24 (L5).
    dice : float
        Of the two masks in the slices of the level; NaN where both are empty.
    area_before_mm2, area_after_mm2 : float
        Mean area of its slices, corrected for the angle of the cord; NaN where the mask does not reach the level.
    noise : RescanNoise, optional
        Of the mean area; None for a structure without repeat scans.
    """

    level: int
    dice: float
    area_before_mm2: float
    area_after_mm2: float
    noise: RescanNoise | None

    @property
    def name(self) -> str:
        """The name of the level, such as ``"C4"``."""
        return level_name(self.level)

    @property
    def area_change_mm2(self) -> float:
        """After less before, mm2."""
        return self.area_after_mm2 - self.area_before_mm2

    @property
    def area_change_percent(self) -> float:
        """The same as a percentage of the area before."""
        return 100.0 * self.area_change_mm2 / self.area_before_mm2

    @property
    def verdict(self) -> Verdict:
        """How large the change is. A level that gained or lost its mask changed by more than any noise."""
        if self.dice == 1.0:
            return Verdict.UNCHANGED
        if self.noise is None:
            return Verdict.UNKNOWN
        within = abs(self.area_change_mm2) < self.noise.smallest_detectable_change
        return Verdict.WITHIN if within else Verdict.BEYOND  # a comparison with NaN is False


def level_changes(
    before: LevelShapes, after: LevelShapes, overlap: SliceOverlap, *, structure: str = "cord"
) -> tuple[LevelChange, ...]:
    """Compare two masks of one scan per vertebral level.

    Parameters
    ----------
    before, after : LevelShapes
        Measures of the two masks with the same levels of slices.
    overlap : SliceOverlap
        Of the two masks.
    structure : str
        ``"cord"``, ``"gm"`` or ``"canal"``; there are repeat scans of the cord only.

    Returns
    -------
    tuple of LevelChange
        One for each level that either mask reaches, from superior to inferior.
    """
    old, new = _areas(before), _areas(after)
    slices = _slices(before, after)
    found = []
    for level in sorted(slices):
        was, now = old.get(level, float("nan")), new.get(level, float("nan"))
        known = was if was == was else now
        noise = rescan_noise(level, "area", known) if structure == "cord" else None
        found.append(LevelChange(level, overlap.dice(sorted(slices[level])), was, now, noise))
    return tuple(found)


class EditHistory:
    """The mean area of each level after each of its edits: what the last of them still achieved."""

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[float, float]]] = {}

    def note(self, changes: Sequence[LevelChange]) -> tuple[LevelChange, ...]:
        """Take in how levels stand when the brush rests; return those that the last edit changed."""
        touched = []
        for change in changes:
            states = self._seen.setdefault(change.level, [])
            state = (change.dice, change.area_after_mm2)
            if states and states[-1][0] == change.dice:  # same voxels: no edit of this level
                continue
            if states:
                touched.append(change)
            states.append(state)
            del states[: -STOP_AFTER - 1]
        return tuple(touched)

    def recent_areas_mm2(self, level: int) -> tuple[float, ...]:
        """Return the mean area of a level before the last edits that count and after each of them."""
        return tuple(area for _, area in self._seen.get(level, ()))

    def hint(self, change: LevelChange) -> str:
        """Say that further polishing of a level changes nothing measurable; empty while it may."""
        areas = self.recent_areas_mm2(change.level)
        if change.noise is None or len(areas) <= STOP_AFTER:
            return ""
        limit = change.noise.smallest_detectable_change
        if not max(areas) - min(areas) < limit:
            return ""
        moved = areas[-1] - areas[0]
        return (
            f"{change.name}: last {STOP_AFTER} edits {signed(moved)} mm², within rescan noise ({limit:.1f} mm²): "
            "further polishing changes nothing measurable in its mean area."
        )


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, and zero without one.

    Examples
    --------
    >>> signed(0.62), signed(-0.04), signed(-3.0)
    ('+0.6', '0.0', '−3.0')
    """
    rounded = round(value, digits) + 0.0
    return f"{rounded:+.{digits}f}".replace("-", "−") if rounded else f"{0:.{digits}f}"


def _areas(levels: LevelShapes) -> Mapping[int, float]:
    return dict(zip(levels.level.tolist(), levels.mean["area_mm2"].tolist(), strict=True))


def _slices(*masks: LevelShapes) -> dict[int, set[int]]:
    """Return the slices of each level that any of the masks reaches."""
    found: dict[int, set[int]] = {}
    for levels in masks:
        for level, slices in zip(levels.level.tolist(), levels.slices, strict=True):
            found.setdefault(level, set()).update(slices)
    return found
