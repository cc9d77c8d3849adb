"""The two networks: U-Nets with instance normalisation, small enough for any processor."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

LOCATOR_WIDTHS, FINE_WIDTHS = (8, 16, 32, 64), (16, 32, 64, 96)
"""Channels of each resolution."""

LOCATOR_OUTPUTS, FINE_OUTPUTS = 1, 3
"""Heat of the cord's centre; cord, grey matter and canal."""


class _Block(nn.Sequential):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_half(inputs, outputs), *_half(outputs, outputs))


def _half(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return convolution, nn.InstanceNorm2d(outputs, affine=True), nn.LeakyReLU(0.05, inplace=True)


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
            image = block(functional.max_pool2d(image, 2) if level else image)
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
