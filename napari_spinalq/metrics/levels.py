"""Shape per vertebral level: slices put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.errors import GridMismatchError
from napari_spinalq.metrics.catalogue import AXIAL, MEASURES
from napari_spinalq.metrics.ranges import at_slices
from napari_spinalq.metrics.shape import SliceShapes

SHORT_LEVEL_RATIO = 0.6
"""An outermost level shorter than this fraction of the tallest other level is called cut: neighbouring vertebrae
differ by less than a third in height."""


@dataclass(frozen=True, eq=False)
class LevelShapes:
    """Shape per vertebral level; arrays of equal length m, one entry for each level that holds a measured slice.

    Attributes
    ----------
    level : (m,) array of int
        1 (C1) to 24 (L5), ascending: superior first.
    slices : tuple of m tuples of int
        Slices of each level that hold the structure, ascending.
    mean, sd : mapping of str to (m,) array
        By attribute of :class:`~napari_spinalq.metrics.shape.SliceShapes`: mean over the slices, and their standard
        deviation (of all slices of the level, so divided by n). ``mean["length_mm"]`` is that of a slice.
    length_mm : (m,) array
        Length of cord in the level: sum over its slices.
    level_flags : tuple of m tuples of str
        What to know about each level.
    flags : tuple of str
        What to know about the whole, those of the slices included.
    """

    level: NDArray[np.int_]
    slices: tuple[tuple[int, ...], ...]
    mean: Mapping[str, NDArray[np.float64]]
    sd: Mapping[str, NDArray[np.float64]]
    length_mm: NDArray[np.float64]
    level_flags: tuple[tuple[str, ...], ...]
    flags: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.level)

    @property
    def n_slices(self) -> NDArray[np.int_]:
        """Number of measured slices of each level, shape (m,)."""
        return np.array([len(numbers) for numbers in self.slices], dtype=int)


def per_level(shapes: SliceShapes, slice_levels: ArrayLike) -> LevelShapes:
    """Put the slices of each vertebral level together.

    Parameters
    ----------
    shapes : SliceShapes
        Measures per slice.
    slice_levels : (slice_count,) array of int
        Vertebral level of every slice of the grid, inferior to superior; 0 = none.

    Returns
    -------
    LevelShapes
        Without entries if no measured slice has a level.

    Raises
    ------
    GridMismatchError
        If the levels are not of as many slices as the mask.
    """
    every = np.asarray(slice_levels, dtype=int)
    if every.shape != (shapes.slice_count,):
        raise GridMismatchError(
            f"Levels are given for {every.size} slices but the mask has {shapes.slice_count}; "
            "use levels on the grid of the mask."
        )
    own = every[shapes.slice_index]
    levels = np.unique(own[own > 0])
    members = [np.flatnonzero(own == level) for level in levels]
    mean, sd = _statistics(shapes, members)
    length = np.array([shapes.length_mm[chosen].sum() for chosen in members])
    return LevelShapes(
        level=levels,
        slices=tuple(tuple(shapes.slice_index[chosen].tolist()) for chosen in members),
        mean=mean,
        sd=sd,
        length_mm=length,
        level_flags=_level_flags(shapes, every, levels, members, length),
        flags=(*shapes.flags, *_unlevelled(shapes, own)),
    )


def with_level_flags(levels: LevelShapes, flags: Mapping[int, tuple[str, ...]]) -> LevelShapes:
    """Return the same measures with further flags on single levels.

    Parameters
    ----------
    levels : LevelShapes
        Measures per level.
    flags : mapping of int to tuple of str
        By level, such as what is known of the discs that bound it. One that a level carries already, perhaps with
        more detail behind it, is not said twice.
    """
    merged = []
    for level, own in zip(levels.level.tolist(), levels.level_flags, strict=True):
        new = [flag for flag in flags.get(level, ()) if not any(known.startswith(flag) for known in own)]
        merged.append((*own, *new))
    return replace(levels, level_flags=tuple(merged))


def _statistics(
    shapes: SliceShapes, members: list[NDArray[np.intp]]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    names = [measure.attribute for measure in MEASURES]
    values = np.stack([getattr(shapes, name) for name in names])
    axis = names.index(AXIAL)
    mean, sd = np.empty((len(names), len(members))), np.empty((len(names), len(members)))
    for place, chosen in enumerate(members):
        part = values[:, chosen]
        part[axis] = unwrapped_axis_deg(part[axis])
        mean[:, place], sd[:, place] = part.mean(axis=1), part.std(axis=1)
    mean[axis] = wrapped_axis_deg(mean[axis])
    return dict(zip(names, mean, strict=True)), dict(zip(names, sd, strict=True))


def wrapped_axis_deg(angle_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the direction of an axis in -90..90 degrees.

    Examples
    --------
    >>> wrapped_axis_deg(np.array([95.0, -100.0, 10.0])).tolist()
    [-85.0, 80.0, 10.0]
    """
    return np.mod(angle_deg + 90.0, 180.0) - 90.0


def unwrapped_axis_deg(angle_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return directions of axes as the nearest turns to their common direction, so that they can be averaged.

    The common direction is that of the mean of the doubled angles (Mardia and Jupp 2000, Directional Statistics,
    section 1.4, doi:10.1002/9780470316979).

    Examples
    --------
    >>> unwrapped_axis_deg(np.array([88.0, -88.0])).round(6).tolist()
    [88.0, 92.0]
    """
    doubled = np.radians(2 * angle_deg)
    common = np.degrees(np.arctan2(np.sin(doubled).sum(), np.cos(doubled).sum())) / 2
    return common + wrapped_axis_deg(angle_deg - common)


def _level_flags(
    shapes: SliceShapes,
    every: NDArray[np.int_],
    levels: NDArray[np.int_],
    members: list[NDArray[np.intp]],
    length_mm: NDArray[np.float64],
) -> tuple[tuple[str, ...], ...]:
    found = []
    unmeasured = np.ones(len(every), dtype=bool)
    unmeasured[shapes.slice_index] = False
    for place, (level, chosen) in enumerate(zip(levels, members, strict=True)):
        missing = np.flatnonzero((every == level) & unmeasured)
        words = [f"partly covered: no mask at {at_slices(missing)}"] if len(missing) else []
        if not len(missing) and place in (0, len(levels) - 1) and _is_short(place, length_mm):
            words.append(f"partly covered: only {length_mm[place]:.0f} mm long")
        found.append((*words, *_gathered(shapes, chosen)))
    return tuple(found)


def _is_short(place: int, length_mm: NDArray[np.float64]) -> bool:
    others = np.delete(length_mm, place)
    return bool(len(others) and length_mm[place] < SHORT_LEVEL_RATIO * others.max())


def _gathered(shapes: SliceShapes, chosen: NDArray[np.intp]) -> list[str]:
    """Return the flags of some slices, each once, with the slices that carry it."""
    carriers: dict[str, list[int]] = {}
    for place in chosen:
        for flag in shapes.slice_flags[place]:
            carriers.setdefault(flag, []).append(int(shapes.slice_index[place]))
    return [f"{flag} ({at_slices(slices)})" for flag, slices in carriers.items()]


def _unlevelled(shapes: SliceShapes, own: NDArray[np.int_]) -> list[str]:
    without = shapes.slice_index[own <= 0]
    return [f"no level at {at_slices(without)}"] if len(without) else []
