"""Faults of masks, made on purpose: leak, hole, second component, area jump, missing slice, shift, one-sided loss.

Sizes grow with the severity, 0..1, from what is just worth mending to what nobody would miss. All lengths are mm, so
that a fault is the same on any grid.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.errors import InputError
from napari_spinalq.quality.faults.case import WorkCase
from napari_spinalq.reopen import INSIDE_FROM

LEAK_REACH_MM = (2.0, 7.0)
"""How far a lobe reaches beyond the outline."""

LEAK_HALF_WIDTH_MM = (1.5, 3.5)
LEAK_HALF_LENGTH_MM = (1.5, 8.0)
"""Half its width along the outline, and half its length along the cord."""

LEAK_TOLERANCE = 0.35
"""A lobe spreads over what differs from where it begins by up to this share of the contrast between cord and
surroundings: a mask leaks along one tissue."""

LEAST_LOBE_VOXELS = 4
ATTEMPTS = 30

HOLE_RADIUS_MM = (0.5, 2.0)
BLOB_RADIUS_MM = (1.5, 4.0)
BLOB_AWAY_MM = (5.0, 20.0)
"""A second component begins this far from the cord."""

JUMP_SHARE = (0.15, 0.6)
"""Share by which the area of some slices grows or shrinks."""

MISSING_SLICES = (1, 4)
OUTSIDE_SHARE = (0.04, 0.3)
"""Share of a section that is pushed out of what should hold it."""

ONE_SIDED_SHARE = (0.15, 0.5)
"""Share of the width that one side loses."""

RUN_MM = 12.0
"""Length of cord on which one side is too small, mm, or five slices."""

SHIFT_STEP_MM, LARGEST_PUSH_MM = 0.1, 15.0
"""Sections are pushed in such steps, and so far at most."""


def between(bounds: tuple[float, float], severity: float) -> float:
    """Return the size that belongs to a severity."""
    return bounds[0] + (bounds[1] - bounds[0]) * severity


def inner_slice(work: WorkCase, rng: np.random.Generator) -> int:
    """Draw a slice of the cord that is not its first or last."""
    return int(rng.choice(work.slices[1:-1]))


def a_run(work: WorkCase, rng: np.random.Generator, count: int) -> NDArray[np.int_]:
    """Draw neighbouring slices within the cord, never its first or last, at most half of it."""
    inner = work.slices[1:-1]
    count = max(1, min(count, len(inner) // 2))
    start = int(rng.integers(0, len(inner) - count + 1))
    return inner[start : start + count]


def leak(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Add a lobe that follows the image from the outline into fluid or muscle."""
    for attempt in range(ATTEMPTS):
        lobe = _lobe(work, rng, severity, follows_image=attempt < ATTEMPTS - 1)
        if np.count_nonzero(lobe) >= LEAST_LOBE_VOXELS:
            return replace(work, cord=work.cord | lobe)
    raise InputError("No lobe fits beside this cord; use a scan with a wider field of view.")


def _lobe(work: WorkCase, rng: np.random.Generator, severity: float, *, follows_image: bool) -> NDArray[np.bool_]:
    index, angle = inner_slice(work, rng), rng.uniform(0, 2 * np.pi)
    reach, width = between(LEAK_REACH_MM, severity), between(LEAK_HALF_WIDTH_MM, severity)
    length = between(LEAK_HALF_LENGTH_MM, severity)
    rim = _rim(work, index, angle)
    direction = np.array([np.sin(angle), np.cos(angle)])
    z, rows, columns = np.indices(work.cord.shape, dtype=np.float32)
    offset = np.stack([rows * work.pixel_mm[0], columns * work.pixel_mm[1]], axis=-1) - rim
    along, across = offset @ direction, offset @ np.array([-direction[1], direction[0]])
    height = (z - index) * work.grid.spacing[0]
    body = (np.maximum(along, 0) / reach) ** 2 + (across / width) ** 2 + (height / length) ** 2 <= 1
    body &= (along > -width) & ~work.cord
    if follows_image:
        body &= _alike(work, index, rim + direction * 0.4 * reach)
    return _touching(body, work.cord)


def _rim(work: WorkCase, index: int, angle: float) -> NDArray[np.float64]:
    """Return where a ray from the centroid of a slice leaves the cord, rows and columns, mm."""
    pixels = np.argwhere(work.cord[index]) * np.array(work.pixel_mm)
    middle = pixels.mean(axis=0)
    direction = np.array([np.sin(angle), np.cos(angle)])
    ahead = (pixels - middle) @ direction
    aside = np.abs((pixels - middle) @ np.array([-direction[1], direction[0]]))
    on_ray = aside <= max(work.pixel_mm)
    return np.asarray(middle + direction * max(float(ahead[on_ray].max(initial=0.0)), 0.0))


def _alike(work: WorkCase, index: int, place_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell where the image is like at a place of a slice (rows and columns, mm)."""
    row, column = np.rint(place_mm / np.array(work.pixel_mm)).astype(int)
    row, column = (int(np.clip(v, 0, n - 1)) for v, n in zip((row, column), work.cord.shape[1:], strict=True))
    there = float(np.median(work.image[index, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]))
    near = work.image[work.slices[0] : work.slices[-1] + 1]
    spread = max(abs(there - float(np.median(work.image[work.cord]))), 0.25 * float(near.std()))
    return np.asarray(np.abs(work.image - there) <= LEAK_TOLERANCE * spread)


def _touching(body: NDArray[np.bool_], cord: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the parts of a body that touch the cord."""
    labels, count = ndimage.label(body)
    if not count:
        return body
    rim = ndimage.binary_dilation(cord) & ~cord
    return np.asarray(np.isin(labels, np.setdiff1d(labels[rim], [0])))


def hole(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Take a disc out of the inside of a slice."""
    inner = ndimage.binary_erosion(work.cord, np.ones((1, 3, 3), dtype=bool))
    candidates = np.flatnonzero(inner.any(axis=(1, 2)))
    if not len(candidates):
        raise InputError("This cord is too thin on its grid for a hole; use a scan with finer pixels.")
    index = int(rng.choice(candidates))
    middle = rng.choice(np.argwhere(inner[index]))
    radius = max(between(HOLE_RADIUS_MM, severity), 0.51 * min(work.pixel_mm))
    cord = work.cord.copy()
    cord[index] &= ~(_disc(work, middle, radius) & inner[index])
    return replace(work, cord=cord)


def _disc(work: WorkCase, middle: NDArray[np.int_], radius_mm: float) -> NDArray[np.bool_]:
    rows, columns = np.indices(work.cord.shape[1:])
    return np.asarray(
        np.hypot((rows - middle[0]) * work.pixel_mm[0], (columns - middle[1]) * work.pixel_mm[1]) <= radius_mm
    )


def second_component(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Add a blob elsewhere, over tissue that looks like the cord."""
    index, radius = inner_slice(work, rng), between(BLOB_RADIUS_MM, severity)
    away = ndimage.distance_transform_edt(~work.cord[index], sampling=work.pixel_mm)
    where = np.argwhere((away >= BLOB_AWAY_MM[0] + radius) & (away <= BLOB_AWAY_MM[1] + radius))
    if not len(where):
        raise InputError("There is no room beside this cord for a second component; use a wider field of view.")
    unlike = np.abs(work.image[index][tuple(where.T)] - np.median(work.image[work.cord]))
    middle = where[rng.choice(np.argsort(unlike, kind="stable")[: max(1, len(where) // 4)])]
    cord = work.cord.copy()
    for number in range(len(cord)):
        height = (number - index) * work.grid.spacing[0]
        if abs(height) < radius or number == index:
            cord[number] |= _disc(work, middle, float(np.sqrt(max(radius**2 - height**2, 0.0)))) & (away > radius)
    return replace(work, cord=cord)


def area_jump(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Make the sections of one to three neighbouring slices larger or smaller all around."""
    factor = 1 + between(JUMP_SHARE, severity) * rng.choice([-1.0, 1.0])
    cord = work.cord.copy()
    for index in a_run(work, rng, int(rng.integers(1, 4))):
        cord[index] = _scaled(work, int(index), factor)
    return replace(work, cord=cord)


def _scaled(work: WorkCase, index: int, factor: float) -> NDArray[np.bool_]:
    """Return a section of another area: the pixels deepest inside it, as many as that area holds."""
    held = work.cord[index]
    inside = ndimage.distance_transform_edt(held, sampling=work.pixel_mm)
    outside = ndimage.distance_transform_edt(~held, sampling=work.pixel_mm)
    depth = inside - outside
    count = max(1, round(factor * np.count_nonzero(held)))
    chosen = np.zeros(held.size, dtype=bool)
    chosen[np.argsort(-depth, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(held.shape)


def missing_slice(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Empty one to four neighbouring slices within the cord."""
    cord = work.cord.copy()
    cord[a_run(work, rng, round(between(MISSING_SLICES, severity)))] = False
    return replace(work, cord=cord)


def cord_outside_canal(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Push the sections of some slices so far that a share of them leaves the canal."""
    if "canal" not in work.others:
        raise InputError("This case has no canal for the cord to leave; give one with a canal mask.")
    return replace(work, cord=_pushed(work, work.cord, work.others["canal"], rng, severity))


def gm_outside_cord(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Push the grey matter of some slices so far that a share of it leaves the cord."""
    if "gm" not in work.others:
        raise InputError("This case has no grey matter to leave the cord; give one with a grey matter mask.")
    moved = _pushed(work, work.others["gm"], work.cord, rng, severity)
    return replace(work, others={**work.others, "gm": moved})


def _pushed(
    work: WorkCase,
    inner: NDArray[np.bool_],
    outer: NDArray[np.bool_],
    rng: np.random.Generator,
    severity: float,
) -> NDArray[np.bool_]:
    """Shift the sections of neighbouring slices in one direction until the wanted share lies outside."""
    wanted, angle = between(OUTSIDE_SHARE, severity), rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)]) / np.array(work.pixel_mm)
    held = np.array(outer.any(axis=(1, 2)))
    both = replace(work, cord=inner & held[:, None, None])
    moved = inner.copy()
    for index in a_run(both, rng, int(rng.integers(1, 4))):
        section = inner[index]
        for distance in np.arange(0.0, LARGEST_PUSH_MM, SHIFT_STEP_MM):
            section = shifted(inner[index], direction * distance)
            if np.count_nonzero(section & ~outer[index]) >= wanted * np.count_nonzero(section):
                break
        moved[index] = section
    return moved


def shifted(section: NDArray[np.bool_], pixels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return a section shifted by part pixels, cut at one half."""
    return np.asarray(ndimage.shift(section.astype(np.float32), pixels, order=1) >= INSIDE_FROM)


def one_sided(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Take a share of the width from one side of a run of slices: the outline stops short of the edge there."""
    share, side = between(ONE_SIDED_SHARE, severity), rng.choice([-1.0, 1.0])
    cord = work.cord.copy()
    for index in a_run(work, rng, max(5, round(RUN_MM / work.grid.spacing[0]))):
        middle = np.nonzero(work.cord[index])[1].mean()
        rows_all, columns_all = np.indices(work.cord.shape[1:], dtype=float)
        beyond = (columns_all - middle) * side > 0
        stretched = middle + (columns_all - middle) * np.where(beyond, 1 / (1 - share), 1.0)
        read = ndimage.map_coordinates(work.cord[index].astype(np.float32), [rows_all, stretched], order=1)
        cord[index] = read >= INSIDE_FROM
    return replace(work, cord=cord)
