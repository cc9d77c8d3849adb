"""The two networks: U-Nets that normalise each picture by itself, small enough for any processor."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LOCATOR_WIDTHS, FINE_WIDTHS = (8, 16, 32, 64), (16, 32, 64, 96)
"""Channels of each resolution."""

LOCATOR_OUTPUTS, FINE_OUTPUTS = 1, 3
"""Heat of the cord's centre; cord, grey matter and canal."""


VARIANCE_FLOOR = 1e-5
"""Added to the variance of a channel, so that an even picture stays finite."""


class PictureNorm(nn.Module):
    """Instance normalisation (Ulyanov et al. 2016, arXiv:1607.08022) in plain arithmetic.

    Each channel of each picture gets mean 0 and variance 1, then a learned scale and shift. Written out, a compiler
    joins it with its neighbours; the ready-made layer reorders memory instead, which took half of a training step.

    Parameters
    ----------
    channels : int
        Number of channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps (b, c, h, w)."""
        if torch.onnx.is_in_onnx_export():  # onnxruntime has one operation for it
            weight, bias = self.scale.flatten(), self.shift.flatten()
            return functional.instance_norm(maps, weight=weight, bias=bias, eps=VARIANCE_FLOOR)
        maps = maps.float()
        mean = maps.mean(dim=(2, 3), keepdim=True)
        variance = (maps - mean).square().mean(dim=(2, 3), keepdim=True)
        factor = self.scale * torch.rsqrt(variance + VARIANCE_FLOOR)
        return maps * factor + (self.shift - mean * factor)


class _Block(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_half(inputs, outputs), *_half(outputs, outputs))


def _half(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, PictureNorm(outputs), nn.LeakyReLU(0.05, inplace=True)


class UNet(nn.Module):
    """U-Net of Ronneberger et al. 2015 (doi:10.1007/978-3-319-24574-4_28), with instance normalisation.

    Parameters
    ----------
    widths : tuple of int
        Channels of each resolution, halved from one to the next.
    outputs : int
        Output channels (logits).
    """

    def __init__(self, widths: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(_Block(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList(_Block(a + b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Map pictures (b, 1, h, w), sides a multiple of 8, to logits (b, outputs, h, w)."""
        kept = []
        for level, block in enumerate(self.down):
            image = block(functional.avg_pool2d(image, 2) if level else image)
            kept.append(image)
        for level in reversed(range(len(self.up))):
            image = functional.interpolate(image, scale_factor=2.0, mode="nearest")
            image = self.up[level](torch.cat([kept[level], image], dim=1))
        return self.head(image)


def locator() -> UNet:
    """Return the untrained locator."""
    return UNet(LOCATOR_WIDTHS, LOCATOR_OUTPUTS)


def fine_model() -> UNet:
    """Return the untrained fine model."""
    return UNet(FINE_WIDTHS, FINE_OUTPUTS)


def parameter_count(model: nn.Module) -> int:
    """Return the number of trained values."""
    return sum(value.numel() for value in model.parameters())
