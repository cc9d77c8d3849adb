"""Shapes that scenes are made of: signed distances of cord, grey matter and canal, and label maps around them.

Three sources: the PAM50 label maps, manual cord and CSF masks of ten healthy subjects, and the phantom's own geometry.
No image is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.anatomy import figures
from napari_spinalq.anatomy.butterfly import scaled_half
from napari_spinalq.cord.butterfly_model import butterfly_model
from napari_spinalq.phantom.cord import Cord, CordDesign
from napari_spinalq.phantom.neck import paint_brainstem, paint_neck
from napari_spinalq.phantom.outline import inside_outline
from napari_spinalq.phantom.place import Place
from napari_spinalq.phantom.spine import SAC_AP_MM, SAC_OFFSET_MM, SAC_RL_MM, inside_sac, paint_canal, paint_spine
from napari_spinalq.phantom.tissue import Tissue

STEP_MM, SIZE = 0.5, 96
"""Pixel and width of the shape maps: 48 mm hold any canal."""

REFINE = 3
"""Distances are measured on pixels this much finer."""

WIDE_STEP_MM, WIDE_SIZE = 0.75, 288
"""Pixel and width of the label maps of whole slices (216 mm)."""

NEAR_STEP_MM, NEAR_SIZE = 0.4, 160
"""Pixel and width of the label maps around the cord (64 mm)."""

CORD_ENDS_MM, BRAIN_BEGINS_MM = figures.FORAMEN_MAGNUM_MM, figures.FORAMEN_MAGNUM_MM + 17.0
"""Below the first arc position slices of the phantom show cord, above the second one brain; what lies between looks
like either and is left out."""

DRAWS = 3
"""Butterflies drawn for each cord of the phantom: people with equal cords differ in their grey matter."""

DRAWN_SPREAD = 0.75
"""Part of the butterfly model's standard deviations: every picture adds a stretch and a thickness of its own, and with
whole ones a tenth of the areas lie beyond what is ever seen (0.10 to 0.30 of the cord)."""

LOWEST_DRAWN_LEVEL = 17
"""Down to this level (T10) cords of the template also get a drawn butterfly; below, grey matter fills a third of the
cord and more, which the drawn one does not."""


@dataclass(frozen=True)
class Library:
    """Shapes and surroundings.

    Attributes
    ----------
    distances : (n, 3, SIZE, SIZE) array of float16
        Signed distance (mm, negative inside) from cord, grey matter and canal; rows grow to anterior, columns to right.
    thick_gm : (n,) array of bool
        Whether the grey matter is the template's, which is too thick.
    wide, near : (m, n, n) arrays of uint8
        Tissue labels of whole slices and around the cord, the canal being CSF.
    has_cord : (m,) array of bool
        False where the slice lies above the foramen magnum.
    """

    distances: NDArray[np.float16]
    thick_gm: NDArray[np.bool_]
    wide: NDArray[np.uint8]
    near: NDArray[np.uint8]
    has_cord: NDArray[np.bool_]


def load_library(data: Path, cache: Path) -> Library:
    """Read the library from ``cache``, or build it from the label maps under ``data`` and keep it there."""
    if not cache.is_file():
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(cache, **vars(build_library(data)))
    with np.load(cache) as stored:
        return Library(**stored)


def build_library(data: Path | None, *, phantom_step_mm: float = 2.0) -> Library:
    """Build the library; without ``data`` from the phantom alone."""
    shapes = [(*shape, False) for shape in phantom_shapes(phantom_step_mm)]
    necks = np.arange(figures.LOWEST_MM + 2, 112.0, phantom_step_mm)
    necks = necks[(necks < CORD_ENDS_MM) | (necks > BRAIN_BEGINS_MM)]
    wide = [neck_labels(s, WIDE_SIZE, WIDE_STEP_MM) for s in necks]
    near = [neck_labels(s, NEAR_SIZE, NEAR_STEP_MM) for s in necks]
    has_cord = list(necks < CORD_ENDS_MM)
    if data is not None:
        shapes += [(*shape, False) for shape in redrawn_shapes(data / "pam50" / "template")]
        shapes += [(*shape, True) for shape in template_shapes(data / "pam50" / "template")]
        shapes += [(*shape, False) for shape in subject_shapes(data / "masks")]
        for bone in trunk_bones(data / "pam50" / "template"):
            wide.append(trunk_labels(bone, WIDE_SIZE, WIDE_STEP_MM))
            near.append(trunk_labels(bone, NEAR_SIZE, NEAR_STEP_MM))
            has_cord.append(True)
    maps = np.stack([np.stack([signed_distance(part) for part in shape[:3]]) for shape in shapes])
    thick = np.array([shape[3] for shape in shapes])
    return Library(maps.astype(np.float16), thick, np.stack(wide), np.stack(near), np.array(has_cord))


def signed_distance(inside: NDArray) -> NDArray[np.float32]:
    """Return the distance from the half level of a mask, mm, negative inside; of an empty one 20 mm everywhere."""
    fine = ndimage.zoom(np.asarray(inside, dtype=np.float32), REFINE, order=1, grid_mode=True, mode="nearest") > 0.5
    if not fine.any():
        return np.full(inside.shape, 20.0, np.float32)
    pixel = STEP_MM / REFINE
    outer, inner = ndimage.distance_transform_edt(~fine), ndimage.distance_transform_edt(fine)
    distance = (outer - inner - 0.5 * np.sign(outer - inner)) * pixel
    blocks = distance.reshape(inside.shape[0], REFINE, inside.shape[1], REFINE)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def axes_mm(size: int, step_mm: float) -> tuple[NDArray, NDArray]:
    """Return anterior and right coordinates (mm from the middle) of the pixels of a square map."""
    line = (np.arange(size) - (size - 1) / 2) * step_mm
    anterior, right = np.meshgrid(line, line, indexing="ij")
    return anterior, right


def phantom_shapes(step_mm: float) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield cord, grey matter and canal of the phantom along the neck, as fractions of pixels."""
    cord, rng = Cord(CordDesign()), np.random.default_rng(0)
    v, u = axes_mm(SIZE * REFINE, STEP_MM / REFINE)
    for arc in np.arange(figures.LOWEST_MM + 2, figures.FORAMEN_MAGNUM_MM - 1, step_mm):
        level = float(cord._level(np.array(arc)))
        rl, ap = (float(half) for half in cord.half_axes_mm(np.array(arc)))
        inside = inside_outline(u / rl, v / ap)
        place = Place(np.array([arc]), np.zeros(1), np.zeros(1))
        sac_ap, sac_rl, forward = (place.along(table) for table in (SAC_AP_MM, SAC_RL_MM, SAC_OFFSET_MM))
        canal = (2 * u / sac_rl) ** 2 + (2 * (v - forward) / sac_ap) ** 2 < 1
        own = butterfly(level, float(cord.gm_area_mm2(arc) / cord.area_mm2(arc)), u / rl, v / ap)
        for gm in (own, *(drawn_butterfly(level, rng, u / rl, v / ap) for _ in range(DRAWS))):
            yield tuple(_coarse(part) for part in (inside, gm, canal))  # type: ignore[misc]


def butterfly(level: float, share: float, x: NDArray, y: NDArray) -> NDArray[np.bool_]:
    """Tell which normalised points lie in the phantom's grey matter, scaled to a share of the cord's area."""
    return _inside(scaled_half(level, share), np.abs(x), y)


def drawn_butterfly(level: float, rng: np.random.Generator, x: NDArray, y: NDArray) -> NDArray[np.bool_]:
    """Tell which normalised points lie in a grey matter drawn with all modes in which people differ.

    These are the spreads with which the package's own fit reads real scans; the template, a mean of many people, has
    lost its dorsal horns and cannot teach them.
    """
    model = butterfly_model(level)
    weights = DRAWN_SPREAD * rng.standard_normal((model.modes.shape[2],))
    return _inside(model.shape(weights), x, y)


def _inside(outline: NDArray, x: NDArray, y: NDArray) -> NDArray[np.bool_]:
    from matplotlib.path import Path as Polygon

    return Polygon(outline).contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)


def _drawn_in(cord: NDArray, level: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Fit a drawn butterfly to the half axes of a cord; return fractions of the library's pixels."""
    v, u = axes_mm(SIZE, STEP_MM)
    rl, ap = (2 * np.sqrt((cord * axis**2).sum() / cord.sum()) for axis in (u, v))
    fine_v, fine_u = axes_mm(SIZE * REFINE, STEP_MM / REFINE)
    return _coarse(drawn_butterfly(level, rng, fine_u / rl, fine_v / ap))


def redrawn_shapes(folder: Path, every: int = 5) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield cord and canal of PAM50 slices with a grey matter drawn for their level."""
    rng = np.random.default_rng(1)
    levels = _stack(folder / "PAM50_levels.nii.gz").max(axis=(1, 2))[::every]
    cords, fluids = (_stack(folder / f"PAM50_{name}.nii.gz")[::every] for name in ("cord", "csf"))
    for level, cord, fluid in zip(levels, cords, fluids, strict=True):
        if 1 <= level <= LOWEST_DRAWN_LEVEL and cord.any() and fluid.any():
            centre = ndimage.center_of_mass(cord)
            inside = _smooth(_window(cord, centre))
            canal = _filled(np.maximum(inside, _window(fluid, centre)))
            yield inside, _drawn_in(inside, float(level), rng), canal


def template_shapes(folder: Path, every: int = 3) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield cord, grey matter and canal of every n-th PAM50 slice (0.5 mm) that holds all three."""
    cord, gm, csf = (_stack(folder / f"PAM50_{name}.nii.gz") for name in ("cord", "gm", "csf"))
    for index in range(0, len(cord), every):
        if cord[index].sum() * STEP_MM**2 > 12 and csf[index].any() and gm[index].max() > 0.5:
            centre = ndimage.center_of_mass(cord[index])
            inside, grey, fluid = (_window(part[index], centre) for part in (cord, gm, csf))
            yield inside, grey, _filled(np.maximum(inside, fluid))


def subject_shapes(folder: Path) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield manual cord and canal of ten subjects with a drawn grey matter fitted into the cord."""
    rng = np.random.default_rng(2)
    for path in sorted(folder.rglob("*T2w_seg-manual.nii.gz")):
        cord, csf = _stack(path), _stack(Path(str(path).replace("T2w_seg", "T2w_csfseg")))
        for index in range(len(cord)):
            if cord[index].sum() * STEP_MM**2 < 25 or not csf[index].any():
                continue
            centre = ndimage.center_of_mass(cord[index])
            inside = _smooth(_window(cord[index], centre))
            canal = _smooth(_filled(_window(np.maximum(cord[index], csf[index]), centre)))
            yield inside, _drawn_in(inside, 2.0 + 5.0 * index / len(cord), rng), canal


def neck_labels(arc_mm: float, size: int, step_mm: float) -> NDArray[np.uint8]:
    """Return the phantom's tissues around the cord at an arc position; the canal is all CSF."""
    v, u = (axis.ravel() for axis in axes_mm(size, step_mm))
    place = Place(np.full(u.shape, float(arc_mm)), u, v)
    found = np.full(u.shape, Tissue.AIR, dtype=np.uint8)
    for paint in (paint_neck, paint_spine, paint_canal, paint_brainstem):
        paint(place, found)
    found[inside_sac(place)] = Tissue.CSF
    return found.reshape(size, size)


def trunk_bones(folder: Path, every: int = 10, below: int = 720) -> Iterator[NDArray]:
    """Yield bone of PAM50 slices (141 x 141, 0.5 mm) of the thoracic and lumbar spine."""
    spine = _stack(folder / "PAM50_spine.nii.gz")
    for index in range(5, below, every):
        yield spine[index]


def trunk_labels(bone: NDArray, size: int, step_mm: float) -> NDArray[np.uint8]:
    """Return tissues of a trunk slice: bone of the template, muscle, fat, lungs, vessels and skin drawn around it."""
    v, u = axes_mm(size, step_mm)
    radius = np.sqrt((u / 150) ** 2 + ((v - 45) / 110) ** 2)
    found = np.where(radius < 1, Tissue.FAT, Tissue.AIR).astype(np.uint8)
    found[radius < 0.93] = Tissue.MUSCLE
    wave = np.sin(u / 7.0 + np.sin(v / 5.0)) * np.sin(v / 6.0 + u / 15.0)
    found[(radius < 0.93) & (wave > 0.75)] = Tissue.FAT
    for side in (-1, 1):
        found[np.hypot((u - side * 68) / 46, (v - 55) / 50) < 1] = Tissue.AIR
    for right, anterior, reach in ((-12, 45, 11), (14, 48, 9), (0, 58, 8)):
        found[np.hypot(u - right, v - anterior) < reach] = Tissue.VESSEL
    at = np.stack([v, u]) / STEP_MM + (np.array(bone.shape)[:, None, None] - 1) / 2
    inside = ndimage.map_coordinates(np.asarray(bone, np.float32), at, order=1)
    deep = ndimage.map_coordinates(ndimage.gaussian_filter(np.asarray(bone, np.float32), 2.0), at, order=1)
    found[inside > 0.5] = Tissue.CORTICAL_BONE
    found[(inside > 0.5) & (deep > 0.8)] = Tissue.MARROW
    found[np.hypot(u, v) < 9] = Tissue.FAT
    return found


def _stack(path: Path) -> NDArray[np.float32]:
    """Read a mask as slices, rows to anterior, columns to right."""
    image = nib.as_closest_canonical(nib.load(path))
    return np.asarray(image.dataobj, dtype=np.float32).transpose(2, 1, 0)


def _window(mask: NDArray, centre: tuple[float, ...]) -> NDArray[np.float32]:
    """Cut a square of the library's size around a centre (pixels)."""
    shift = [c - (SIZE - 1) / 2 for c in centre]
    return ndimage.affine_transform(mask, np.eye(2), shift, (SIZE, SIZE), order=1)


def _filled(mask: NDArray) -> NDArray[np.float32]:
    """Close the gaps between cord and fluid that separate masks leave."""
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(mask > 0.5, iterations=3))
    return np.maximum(mask, closed).astype(np.float32)


def _smooth(mask: NDArray) -> NDArray[np.float32]:
    """Take the steps out of a hand-drawn mask."""
    return ndimage.gaussian_filter(mask, 1.0)


def _coarse(fine: NDArray) -> NDArray[np.float32]:
    """Return fractions of the library's pixels."""
    return fine.reshape(SIZE, REFINE, SIZE, REFINE).mean(axis=(1, 3)).astype(np.float32)
