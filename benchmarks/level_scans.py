"""Simulated scans with known discs: people made from the template T2w image, seen by different scanners.

A person is the template stretched along and across the spine and bent in the sagittal and coronal planes; a look is
what one scanner makes of it: noise, gamma, bias field, reversed or T1w-like contrast, thick slices. All share the
template's anatomy, so they test robustness, not the spread of shapes between people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import Disc
from napari_spinalq.scan import Scan

SIZES = (0.85, 1.2)
"""Stretch along the spine, uniform."""

HEIGHT_SPREAD = 0.06
"""Spread of stretches of one to two levels within one person, as a part."""

WIDTHS = (0.9, 1.1)
"""Stretch across the spine."""

LENGTH_MM = (250.0, 380.0)
HEAD_CROP_MM = (0.0, 30.0)
"""How much of the head of the template is cut off, template mm: the brainstem stays in view (pons at 239 mm)."""

CORD_END_MM = (-5.0, 25.0)
"""Where the known cord ends against the template's mask, whose top is at C1: automatic cords end lower or higher."""

BEND_DEG, PITCH_DEG, WAVE_MM = 14.0, 18.0, (180.0, 400.0)
"""Largest swing of the spine's inclination, its mean inclination, and the wavelength of the bend (mm)."""

ASIDE_MM = 4.0
NOISE, MUCH_NOISE = 0.02, 0.08
"""Standard deviation of the Rician noise against the 99th percentile."""

MARGIN_MM = 6.0
"""A disc nearer than this to the end of the view is not counted."""

Look = Callable[[NDArray, np.random.Generator], NDArray]
Spacing = tuple[float, float, float]
"""Voxel size along superior, anterior and right, mm."""


@dataclass(frozen=True)
class Case:
    """A scan in work order with known discs."""

    scan: Scan
    centerline: Centerline
    truth: tuple[Disc, ...]


def smooth_noise(rng: np.random.Generator, n: int, sigma: float) -> NDArray:
    """Return noise of unit spread that is smooth over ``sigma`` samples, shape (n,)."""
    # Cut out of longer noise, and centred: a short stretch of smooth noise is nearly constant.
    noise = ndimage.gaussian_filter1d(rng.normal(size=n + 8 * round(sigma)), sigma)
    noise /= noise.std()
    start = 4 * round(sigma)
    return noise[start : start + n] - noise[start : start + n].mean()


@dataclass(frozen=True)
class Person:
    """How one person differs from the template.

    Attributes
    ----------
    z_mm, arc_mm : (n,) arrays
        Height in the template and distance along this person's spine, mm.
    spine : Centerline
        The course of the spine, RAS mm, by distance from ``arc_mm[0]``.
    width : float
        Stretch across the spine.
    """

    z_mm: NDArray
    arc_mm: NDArray
    spine: Centerline
    width: float

    def carry(self, points_mm: NDArray) -> NDArray:
        """Move points of the template, shape (n, 3), to this person."""
        along = np.interp(points_mm[:, 2], self.z_mm, self.arc_mm)
        ahead = _ahead(self.spine.tangent(along))
        moved = self.spine.position(along) + self.width * points_mm[:, 1:2] * ahead
        moved[:, 0] += self.width * points_mm[:, 0]
        return moved


def _ahead(tangents: NDArray) -> NDArray:
    """Return the unit vectors in the sagittal plane perpendicular to the spine."""
    ahead = np.stack([np.zeros(len(tangents)), tangents[:, 2], -tangents[:, 1]], axis=1)
    return ahead / np.linalg.norm(ahead, axis=1, keepdims=True)


def person(template: Case, rng: np.random.Generator) -> Person:
    """Draw a person."""
    grid = template.scan.grid
    z_mm = grid.voxel_to_mm(np.c_[np.arange(grid.shape[0]), np.zeros((grid.shape[0], 2))])[:, 2]
    levels = smooth_noise(rng, len(z_mm), 14)
    stretch = rng.uniform(*SIZES) * np.exp(HEIGHT_SPREAD * levels)
    arc = np.r_[0, np.cumsum(stretch[:-1] * np.diff(z_mm))]
    s = np.arange(-40.0, arc[-1] + 40.0, 0.5)
    wave = 2 * np.pi * s / rng.uniform(*WAVE_MM) + rng.uniform(0, 2 * np.pi)
    lean = np.radians(rng.uniform(-PITCH_DEG, PITCH_DEG) + rng.uniform(0, BEND_DEG) * np.sin(wave))
    aside = ASIDE_MM * rng.uniform() * np.sin(2 * np.pi * s / rng.uniform(*WAVE_MM) + rng.uniform(0, 2 * np.pi))
    course = np.stack([aside, np.cumsum(np.sin(lean)) * 0.5, np.cumsum(np.cos(lean)) * 0.5], axis=1)
    spine = Centerline(course)
    return Person(z_mm, arc + np.interp(40.0, s - s[0], spine.arc_mm), spine, rng.uniform(*WIDTHS))


def simulated(
    template: Case,
    rng: np.random.Generator,
    look: Look,
    spacing_mm: Spacing = (1.0, 1.0, 1.0),
    *,
    head_crop_mm: tuple[float, float] = HEAD_CROP_MM,
    length_mm: tuple[float, float] = LENGTH_MM,
) -> Case:
    """Return a scan of a person, by default with the head and 250 mm or more of the spine in view, in work order."""
    one = person(template, rng)
    top = np.interp(one.z_mm[-1] - rng.uniform(*head_crop_mm), one.z_mm, one.arc_mm)
    bottom = max(top - rng.uniform(*length_mm), one.arc_mm[0])
    ends = one.spine.position([bottom, top])
    grid = _grid(one, ends, spacing_mm)
    image = _seen(template, one, grid)
    scan = Scan(look(image, rng), grid, Contrast.T2W)
    return Case(scan, _known_cord(template, one, grid, rng), _truth(template, one, grid))


def _grid(one: Person, ends: NDArray, spacing_mm: tuple[float, float, float]) -> Grid:
    course = one.spine.points_mm
    inside = (course[:, 2] >= ends[0, 2]) & (course[:, 2] <= ends[1, 2])
    front, back = course[inside, 1].max() + 40.0, course[inside, 1].min() - 40.0
    extent = np.array([ends[1, 2] - ends[0, 2], front - back, 50.0])
    affine = np.array(
        [[0, 0, spacing_mm[2], -25.0], [0, spacing_mm[1], 0, back], [spacing_mm[0], 0, 0, ends[0, 2]], [0, 0, 0, 1.0]]
    )
    high, deep, wide = (int(n) for n in extent // spacing_mm)
    return Grid((high, deep, wide), affine)


def _seen(template: Case, one: Person, grid: Grid) -> NDArray:
    """Sample the template where this person's voxels lie; thick slices are the mean over their thickness."""
    times = [max(1, round(spacing / 1.0)) for spacing in grid.spacing]
    fine = grid.affine.copy()
    fine[:3, :3] /= times
    fine[:3, 3] -= grid.affine[:3, :3] @ (0.5 - 0.5 / np.array(times))
    high, deep, wide = (n * t for n, t in zip(grid.shape, times, strict=True))
    image = ndimage.map_coordinates(
        template.scan.data, _source(template, one, Grid((high, deep, wide), fine)), np.float32, order=1
    )
    for axis, t in enumerate(times):
        parts = (*image.shape[:axis], image.shape[axis] // t, t, *image.shape[axis + 1 :])
        image = image.reshape(parts).mean(axis=axis + 1)
    return image


def _source(template: Case, one: Person, grid: Grid) -> NDArray:
    """Return the template voxel of each voxel of ``grid``, shape (3, z, y, x); the nearest one outside."""
    z, y = np.meshgrid(np.arange(grid.shape[0]), np.arange(grid.shape[1]), indexing="ij")
    plane = grid.voxel_to_mm(np.stack([z, y, np.zeros_like(z)], axis=-1))
    # Only the course in the sagittal plane: people lean to the side by a shift.
    flat = Centerline(one.spine.points_mm * [0, 1, 1])
    to_spine = np.interp(flat.nearest_arc(plane * [0, 1, 1]), flat.arc_mm, one.spine.arc_mm)
    ahead = (plane - one.spine.position(to_spine)) * _ahead(one.spine.tangent(to_spine.ravel())).reshape(plane.shape)
    template_z = np.interp(to_spine, one.arc_mm, one.z_mm)
    x = grid.voxel_to_mm(np.c_[np.zeros((grid.shape[2], 2)), np.arange(grid.shape[2])])[:, 0]
    aside = (x - one.spine.position(to_spine)[..., 0:1]) / one.width
    shape = aside.shape
    points = np.stack(
        [
            aside,
            np.broadcast_to((ahead[..., 1:].sum(axis=-1) / one.width)[..., None], shape),
            np.broadcast_to(template_z[..., None], shape),
        ],
        axis=-1,
    )
    voxels = np.moveaxis(template.scan.grid.mm_to_voxel(points), -1, 0)
    return np.stack([np.clip(v, 0, n - 1) for v, n in zip(voxels, template.scan.grid.shape, strict=True)])


def _known_cord(template: Case, one: Person, grid: Grid, rng: np.random.Generator) -> Centerline:
    cord = template.centerline.points_mm[[0, -1]].copy()
    cord[1, 2] += rng.uniform(*CORD_END_MM)
    first, last = np.interp(cord[:, 2], one.z_mm, one.arc_mm)
    arcs = np.arange(first, last, 0.5)
    points = one.spine.position(arcs)
    return Centerline(points[grid.contains(points)])


def _truth(template: Case, one: Person, grid: Grid) -> tuple[Disc, ...]:
    places = one.carry(np.array([disc.position_mm for disc in template.truth]))
    z = grid.voxel_to_mm([[0, 0, 0], [grid.shape[0] - 1, 0, 0]])[:, 2]
    return tuple(
        replace(disc, position_mm=tuple(place))
        for disc, place in zip(template.truth, places, strict=True)
        if z[0] + MARGIN_MM < place[2] < z[1] - MARGIN_MM and grid.contains(place)
    )


def rician(image: NDArray, rng: np.random.Generator, part: float = NOISE) -> NDArray:
    """Add the noise of a magnitude image."""
    level = part * np.percentile(image, 99)
    return np.hypot(image + rng.normal(0, level, image.shape), rng.normal(0, level, image.shape)).astype(np.float32)


def gamma(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Bend the intensities by an exponent of 0.5 to 2."""
    scale = np.percentile(image, 99)
    return rician(scale * np.clip(image / scale, 0, None) ** np.exp2(rng.uniform(-1, 1)), rng)


def bias(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Let the intensity vary along the spine and fall off from the coil behind."""
    along = np.exp(0.4 * smooth_noise(rng, image.shape[0], image.shape[0] / 6))[:, None, None]
    away = np.exp(-rng.uniform(0.3, 1.0) * np.linspace(0, 1, image.shape[1]))[None, :, None]
    return rician(image * along * away, rng)


def reversed_contrast(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Exchange bright and dark."""
    return rician(np.percentile(image, 99.9) - np.minimum(image, np.percentile(image, 99.9)), rng)


def t1w_like(image: NDArray, rng: np.random.Generator) -> NDArray:
    """Dark fluid, grey cord and discs, bright marrow, dark cortex: intensities of the template mapped one by one."""
    fluid = np.percentile(image, 99)
    seen = fluid * np.array([0.0, 0.05, 0.10, 0.17, 0.28, 0.40, 0.75, 1.0])
    shown = np.array([0.0, 0.15, 0.45, 0.90, 0.60, 0.55, 0.20, 0.15]) * 1000.0
    return rician(np.interp(image, seen, shown).astype(np.float32), rng)


LOOKS: dict[str, tuple[Look, Spacing]] = {
    "as the template": (rician, (1.0, 1.0, 1.0)),
    "noise 8 %": (lambda image, rng: rician(image, rng, MUCH_NOISE), (1.0, 1.0, 1.0)),
    "gamma 0.5-2": (gamma, (1.0, 1.0, 1.0)),
    "bias field": (bias, (1.0, 1.0, 1.0)),
    "reversed": (reversed_contrast, (1.0, 1.0, 1.0)),
    "T1w-like": (t1w_like, (0.9, 0.9, 0.9)),
    "sagittal 0.6 x 0.6 x 3.3 mm": (rician, (0.6, 0.6, 3.3)),
}
"""What scanners make of a person, and their voxels (superior, anterior, right; mm)."""

AXIAL: dict[str, tuple[Look, Spacing]] = {
    f"axial {mm:g} mm {name}": (look, (mm, 0.7, 0.7))
    for mm in (3.0, 4.0, 5.0)
    for name, look in (("T2w", rician), ("T1w-like", t1w_like))
}
"""The same people in thick axial slices."""
