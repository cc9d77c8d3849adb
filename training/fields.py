"""Small tools on batches of pictures: smooth noise, sampling, and filters in the Fourier domain."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def smooth_noise(count: int, channels: int, knots: int, size: int, generator: torch.Generator) -> Tensor:
    """Return smooth fields of unit variance at their knots, shape (count, channels, size, size)."""
    maps = torch.randn(count, channels, knots, knots, generator=generator)
    between = min(size, max(2 * knots, size // 4))
    maps = functional.interpolate(maps, size=(between, between), mode="bicubic", align_corners=True)
    # Bicubic is slow on one core, and linear steps between four times as many knots are not seen.
    return functional.interpolate(maps, size=(size, size), mode="bilinear", align_corners=True)


def largest(maps: Tensor) -> Tensor:
    """Return which channel of (b, c, n, n) is largest at each pixel; many times faster than ``argmax`` on one core."""
    best, index = maps[:, 0], torch.zeros_like(maps[:, 0])
    for channel in range(1, maps.shape[1]):
        index = torch.where(maps[:, channel] > best, float(channel), index)
        best = torch.maximum(best, maps[:, channel])
    return index.long()


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Return uniform numbers, shape (count,)."""
    return low + (high - low) * torch.rand(count, generator=generator)


def chance(count: int, probability: float, generator: torch.Generator) -> Tensor:
    """Return which of some images get something, shape (count,), bool."""
    return torch.rand(count, generator=generator) < probability


def sample_mm(maps: Tensor, right_mm: Tensor, anterior_mm: Tensor, step_mm: float, mode: str = "bilinear") -> Tensor:
    """Read maps (b, c, n, n), centred on the origin, at places (b, h, w) given in mm; the border is repeated."""
    half = maps.shape[-1] * step_mm / 2
    where = torch.stack([right_mm / half, anterior_mm / half], dim=-1)
    return functional.grid_sample(maps, where, mode=mode, padding_mode="border", align_corners=False)


def pixel_axes(size: int, step_mm: float) -> tuple[Tensor, Tensor]:
    """Return anterior and right coordinates of pixels, mm from the middle, each (size, size)."""
    line = (torch.arange(size, dtype=torch.float32) - (size - 1) / 2) * step_mm
    return tuple(torch.meshgrid(line, line, indexing="ij"))  # type: ignore[return-value]


def frequencies(size: int, step_mm: float) -> tuple[Tensor, Tensor]:
    """Return spatial frequencies (cycles per mm) of a real Fourier transform: rows (size, 1), columns (1, size/2+1)."""
    return torch.fft.fftfreq(size, step_mm)[:, None], torch.fft.rfftfreq(size, step_mm)[None, :]


def filtered(maps: Tensor, kernel: Tensor) -> Tensor:
    """Multiply the spectrum of maps (b, c, n, n) by a real kernel (b, c or 1, n, n/2+1)."""
    return torch.fft.irfft2(torch.fft.rfft2(maps) * kernel, s=maps.shape[-2:])
