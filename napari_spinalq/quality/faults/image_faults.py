"""Faults of images, made on purpose: motion, noise, a field of view that ends too early, a stretch that is spoilt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_spinalq.quality.faults.case import WorkCase
from napari_spinalq.quality.faults.mask_faults import a_run, between, shifted
from napari_spinalq.quality.flags.image_checks import AROUND_MM

MOVED_MM = (0.8, 3.5)
"""How far slices lie off their neighbours."""

CONTRAST_TO_NOISE = (2.5, 0.7)
"""Contrast to noise that is left, from the mildest to the worst."""

MARGIN_LEFT_MM = (2.5, 0.0)
"""Image that is left beside the cord."""

CUT_SHARE = (0.08, 0.4)
"""Share of the width of the widest section that is cut off."""

SPOILT_BLUR_MM = (1.0, 3.0)
SPOILT_NOISE = (0.2, 1.0)
"""Blur, and noise as a share of the contrast, in the stretch where the cord can hardly be seen."""

SPOILT_MM = (10.0, 20.0)
"""Length of that stretch: where more is spoilt the segmentation ends the cord there, which no confidence tells."""


def motion(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Shift slices within their plane, image and masks alike: one, every second of a run, or all from one on."""
    angle, distance = rng.uniform(0, 2 * np.pi), between(MOVED_MM, severity)
    pixels = distance * np.array([np.sin(angle), np.cos(angle)]) / np.array(work.pixel_mm)
    run = a_run(work, rng, max(1, len(work.slices) // 2))
    chosen = [run[:1], run[::2], np.arange(run[0], len(work.cord))][int(rng.integers(3))]
    moved = replace(work, image=work.image.copy(), cord=work.cord.copy(), others=dict(work.others))
    for name, mask in work.others.items():
        moved.others[name] = mask.copy()
    for index in chosen:
        moved.image[index] = ndimage.shift(work.image[index], pixels, order=1, mode="nearest")
        for mask in (moved.cord, *moved.others.values()):
            mask[index] = shifted(mask[index], pixels)
    return moved


def contrast_of(work: WorkCase) -> float:
    """Return the size of the difference between the cord and what surrounds it, medians."""
    near = np.zeros_like(work.cord)
    for index in work.slices:
        away = ndimage.distance_transform_edt(~work.cord[index], sampling=work.pixel_mm)
        near[index] = (away > AROUND_MM[0]) & (away <= AROUND_MM[1])
    return abs(float(np.median(work.image[work.cord]) - np.median(work.image[near])))


def low_snr(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Add noise until the contrast is only a few times as large; Rician where the image holds no negative value."""
    noise_sd = contrast_of(work) / between(CONTRAST_TO_NOISE, severity)
    return replace(work, image=_noisy(work.image, noise_sd, rng))


def _noisy(image: NDArray[np.float32], noise_sd: float, rng: np.random.Generator) -> NDArray[np.float32]:
    real = image + noise_sd * rng.standard_normal(image.shape)
    if float(image.min()) < 0:
        return real.astype(np.float32)
    return np.hypot(real, noise_sd * rng.standard_normal(image.shape)).astype(np.float32)


def partial_field_of_view(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """End the image a little beside the cord: cut there, or blank from there on."""
    axis, upper = int(rng.integers(1, 3)), bool(rng.integers(2))
    margin = round(between(MARGIN_LEFT_MM, severity) / work.grid.spacing[axis])
    seen = np.flatnonzero(work.cord.any(axis=(0, 3 - axis)))
    low, high = (0, int(seen[-1]) + 1 + margin) if upper else (max(0, int(seen[0]) - margin), work.cord.shape[axis])
    if rng.integers(2):
        return cropped(work, axis, low, high)
    image = work.image.copy()
    across = np.moveaxis(image, axis, 0)
    across[:low], across[high:] = 0.0, 0.0
    return replace(work, image=image)


def truncated(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """End image and masks within the cord."""
    axis, upper = int(rng.integers(1, 3)), bool(rng.integers(2))
    seen = np.flatnonzero(work.cord.any(axis=(0, 3 - axis)))
    lost = max(1, round(between(CUT_SHARE, severity) * len(seen)))
    return cropped(
        work, axis, *((0, int(seen[-1]) + 1 - lost) if upper else (int(seen[0]) + lost, work.cord.shape[axis]))
    )


def cropped(work: WorkCase, axis: int, low: int, high: int) -> WorkCase:
    """Return what lies between two rows or columns."""
    window: list[slice] = [slice(None)] * 3
    window[axis] = slice(low, high)
    start, shape = [0, 0, 0], list(work.cord.shape)
    start[axis], shape[axis] = low, min(high, shape[axis]) - low
    grid = work.grid.cropped((start[0], start[1], start[2]), (shape[0], shape[1], shape[2]))
    where = tuple(window)
    others = {name: mask[where].copy() for name, mask in work.others.items()}
    return WorkCase(work.image[where].copy(), work.cord[where].copy(), others, grid)


def spoilt(work: WorkCase, rng: np.random.Generator, severity: float) -> WorkCase:
    """Blur a stretch of the image and drown it in noise, as swallowing and metal do; the masks stay."""
    run = a_run(work, rng, max(1, round(between(SPOILT_MM, severity) / work.grid.spacing[0])))
    blur = [between(SPOILT_BLUR_MM, severity) / mm for mm in work.pixel_mm]
    image = work.image.copy()
    image[run] = ndimage.gaussian_filter(work.image[run], (0, *blur))
    image[run] = _noisy(image[run], contrast_of(work) * between(SPOILT_NOISE, severity), rng)
    return replace(work, image=image)
