"""What a scanner makes of a scene: voxel size, slice thickness, blur, ringing, noise, ghosts, bias, cropped field.

The fractions go through the same blur, slice and pixel as the signal. Their blur has the integral one, so the sum of a
fraction over pixels stays the area of the structure, and its level 0.5 lies on the structure's edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.fields import chance, filtered, frequencies, sample_mm, smooth_noise, uniform
from training.scenes import Scene, SceneKind


@dataclass(frozen=True)
class Target:
    """The grid on which a network works: ``size`` pixels of ``step_mm``."""

    size: int
    step_mm: float


FINE_TARGET = Target(80, 0.5)
WIDE_TARGET = Target(128, 1.5)

FINE_PIXELS_MM, WIDE_PIXELS_MM = (0.35, 1.15), (0.8, 1.5)
"""In-plane pixels of scans, mm; for the locator, after the averaging to its grid."""

OBLONG_SHARE, CORONAL_SHARE, MAX_PIXEL_MM = 0.16, 0.03, 3.5
"""Share of scans read across their own slices, which makes pixels long from side to side (sagittal scans), the part of
them that is long from back to front instead (coronal scans), and the longest side, mm."""

MAX_NOISE = 0.10
"""Largest standard deviation of the noise as a share of the mean signal; most images have far less."""

MAX_LEAN_MM = 4.5
"""A cord leaves its place by no more than this within one slice, mm: 15 degrees in 17 mm."""


@dataclass(frozen=True)
class Sample:
    """Network input (b, 1, n, n) and the fractions of cord, grey matter and canal (b, 3, n, n)."""

    image: Tensor
    fractions: Tensor


def acquire(scene: Scene, kind: SceneKind, target: Target, generator: torch.Generator) -> Sample:
    """Scan a batch of scenes; all share one pixel size, all else is drawn for each."""
    g = generator
    low, high = WIDE_PIXELS_MM if kind.wide else FINE_PIXELS_MM
    py, px = (float(uniform(1, low, high, g)),) * 2
    oblong = float(torch.rand(1, generator=g))
    if oblong < OBLONG_SHARE:
        px = min(px * float(uniform(1, 1.5, 4.5, g)), MAX_PIXEL_MM)
    if oblong < CORONAL_SHARE:
        py, px = px, py
    finer = 2.0 if float(torch.rand(1, generator=g)) < 0.2 and not kind.wide else 1.0
    blurred = _blurred(scene, kind, (py, px), g)
    pixels = _read_pixels(blurred, kind, (py / finer, px / finer), g)
    signal = _degraded(pixels[:, :1], finer, g)
    image, fractions = _on_target(signal, pixels[:, 1:], (py / finer, px / finer), kind, target, g)
    return Sample(standardised(image), fractions.clamp(0, 1))


def standardised(image: Tensor) -> Tensor:
    """Scale pictures to mean 0 and standard deviation 1, extreme values drawn in."""
    mean = image.mean(dim=(2, 3), keepdim=True)
    deviation = image.std(dim=(2, 3), keepdim=True, correction=0)
    return ((image - mean) / (deviation + 1e-6 * mean.abs() + 1e-12)).clamp(-5, 5)


def _blurred(scene: Scene, kind: SceneKind, pixel_mm: tuple[float, float], g: torch.Generator) -> Tensor:
    """Integrate over pixel, slice and point spread: signal and fractions (b, 4, n, n)."""
    count = len(scene.signal)
    fy, fx = frequencies(kind.size, kind.step_mm)
    box = torch.sinc(fy * pixel_mm[0]) * torch.sinc(fx * pixel_mm[1])
    # A slice through a leaning cord sees its section drawn out along a line.
    lean = uniform(count, 0, MAX_LEAN_MM, g) * chance(count, 0.5, g)
    angle = torch.pi / 2 + 0.5 * torch.randn(count, generator=g)
    along = fy * (lean * torch.sin(angle))[:, None, None] + fx * (lean * torch.cos(angle))[:, None, None]
    sigma = uniform(count, 0.0, 0.6, g) * chance(count, 0.6, g) * min(pixel_mm)
    spread = torch.exp(-2 * (torch.pi * sigma[:, None, None]) ** 2 * (fy**2 + fx**2))
    kernel = (box * torch.sinc(along) * spread)[:, None]
    ringing = chance(count, 0.25, g)[:, None, None]
    cut = ((fy.abs() < 0.5 / pixel_mm[0]) & (fx.abs() < 0.5 / pixel_mm[1])).float()
    sharp = torch.where(ringing, cut * torch.sinc(along) * spread, kernel[:, 0])[:, None]
    return torch.cat([filtered(scene.signal, sharp), filtered(scene.fractions, kernel)], dim=1)


def _read_pixels(maps: Tensor, kind: SceneKind, pixel_mm: tuple[float, float], g: torch.Generator) -> Tensor:
    """Read maps at pixel centres of a scan with a random origin, (b, 4, n_y, n_x)."""
    field = (kind.size - 4) * kind.step_mm
    axes = []
    for pixel in pixel_mm:
        n = int(field / pixel)
        axes.append((torch.arange(n) - (n - 1) / 2) * pixel + (torch.rand(1, generator=g) - 0.5) * pixel * 0.5)
    y, x = torch.meshgrid(*axes, indexing="ij")
    y, x = (axis.expand(len(maps), *axis.shape) for axis in (y, x))
    return sample_mm(maps, x, y, kind.step_mm)


def _degraded(signal: Tensor, finer: float, g: torch.Generator) -> Tensor:
    """Add bias, ghosts and noise."""
    count, _, rows, columns = signal.shape
    slow = functional.interpolate(smooth_noise(count, 1, 4, 16, g), (rows, columns), mode="bilinear")
    signal = signal * torch.exp(uniform(count, 0, 0.35, g)[:, None, None, None] * slow)
    ghost = uniform(count, 0.02, 0.15, g) * chance(count, 0.12, g)
    shift = int(torch.randint(rows // 5, rows // 2, (1,), generator=g))
    signal = signal + ghost[:, None, None, None] * torch.roll(signal, shift, dims=2)
    level = MAX_NOISE * uniform(count, 0.0, 1.0, g) ** 1.7 * signal.abs().mean(dim=(1, 2, 3)).clamp(min=0.2)
    noise = torch.randn(2, *signal.shape, generator=g)
    if finer > 1:  # what is interpolated has correlated noise
        noise = functional.avg_pool2d(noise.flatten(0, 1), 3, 1, 1).view_as(noise) * 2.0
    noise = noise * level[:, None, None, None]
    magnitude = torch.hypot(signal + noise[0], noise[1])
    signed = (chance(count, 0.3, g)[:, None, None, None]) | (signal < 0).any(dim=3, keepdim=True).any(2, keepdim=True)
    return torch.where(signed, signal + noise[0], magnitude)


def _on_target(
    signal: Tensor,
    fractions: Tensor,
    pixel_mm: tuple[float, float],
    kind: SceneKind,
    target: Target,
    g: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Interpolate linearly to the network's grid, whose middle is a pixel of the scan, as the package does."""
    count, _, rows, columns = signal.shape
    line = (torch.arange(target.size) - target.size // 2) * target.step_mm
    y, x = torch.meshgrid(line / pixel_mm[0], line / pixel_mm[1], indexing="ij")
    row, column = (rows // 2 + y).expand(count, -1, -1), (columns // 2 + x).expand(count, -1, -1)
    inside = torch.ones_like(row[:, None])
    if kind.wide:
        low_r, low_c, high_r, high_c = _field(count, rows, columns, pixel_mm, g)
        inside = ((row >= low_r) & (row <= high_r) & (column >= low_c) & (column <= high_c))[:, None].float()
    else:
        low_r, low_c, high_r, high_c = _near_field(count, rows, columns, pixel_mm, g)
        row, column = row.clamp(low_r, high_r), column.clamp(low_c, high_c)
    where = torch.stack([column * 2 / (columns - 1) - 1, row * 2 / (rows - 1) - 1], dim=-1)
    maps = torch.cat([signal, fractions], dim=1)
    maps = functional.grid_sample(maps, where, mode="bilinear", padding_mode="border", align_corners=True)
    image, shares = maps[:, :1], maps[:, 1:] * inside
    return _blank_outside(image, inside), shares


def _blank_outside(image: Tensor, inside: Tensor) -> Tensor:
    """Give pixels outside the field of view the mean of those inside."""
    mean = (image * inside).sum(dim=(2, 3), keepdim=True) / inside.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    return torch.where(inside > 0, image, mean)


def _near_field(
    count: int, rows: int, columns: int, pixel_mm: tuple[float, float], g: torch.Generator
) -> tuple[Tensor, ...]:
    """First and last row and column of a field of view that may end close to the canal."""
    cut = chance(count, 0.35, g)
    bounds = []
    for n, pixel in ((rows, pixel_mm[0]), (columns, pixel_mm[1])):
        for sign in (-1, 1):
            reach = torch.where(cut, uniform(count, 11.0, 20.0, g), 20.0) / pixel
            bounds.append((n // 2 + sign * reach)[:, None, None].clamp(0, n - 1))
    return bounds[0], bounds[2], bounds[1], bounds[3]


def _field(
    count: int, rows: int, columns: int, pixel_mm: tuple[float, float], g: torch.Generator
) -> tuple[Tensor, ...]:
    """First and last row and column of a field of view between 40 mm and all, anywhere."""
    bounds = []
    for n, pixel in ((rows, pixel_mm[0]), (columns, pixel_mm[1])):
        width = uniform(count, 40.0, 220.0, g) / pixel
        middle = n / 2 + torch.randn(count, generator=g) * 20.0 / pixel
        bounds += [
            (middle - width / 2)[:, None, None].clamp(0, n - 1),
            (middle + width / 2)[:, None, None].clamp(0, n - 1),
        ]
    return bounds[0], bounds[2], bounds[1], bounds[3]
