"""Losses of the two networks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

HEAT_SIGMA_MM = 3.0
"""Width of the heat around the cord's centre, mm: half a cord."""

MIN_CORD_MM2 = 8.0
"""A slice shows cord if at least this area of it lies in the picture."""

CHANNEL_WEIGHTS = (1.0, 1.5, 0.5)
"""Of cord, grey matter and canal."""

HEAT_WEIGHT = 30.0
"""Pixels of heat count more than the many without any."""


def heat_target(cord: Tensor, step_mm: float) -> Tensor:
    """Return a Gaussian at the centroid of the cord, (b, 1, n, n); zero where no cord is."""
    n = cord.shape[-1]
    line = torch.arange(n, dtype=torch.float32) * step_mm
    mass = cord.sum(dim=(2, 3)).clamp(min=1e-6)
    y = (cord.sum(dim=3) * line).sum(dim=2) / mass
    x = (cord.sum(dim=2) * line).sum(dim=2) / mass
    squared = (line[None, None, :, None] - y[..., None, None]) ** 2 + (line - x[..., None, None]) ** 2
    shown = (cord.sum(dim=(2, 3)) * step_mm**2 > MIN_CORD_MM2)[..., None, None]
    return torch.exp(-squared / (2 * HEAT_SIGMA_MM**2)) * shown


def locator_loss(logits: Tensor, fractions: Tensor, step_mm: float) -> Tensor:
    """Cross-entropy with the heat of the cord's centre."""
    target = heat_target(fractions[:, :1], step_mm)
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * (1 + HEAT_WEIGHT * target)).mean()


def fine_loss(logits: Tensor, fractions: Tensor, dice_weight: float) -> Tensor:
    """Cross-entropy with the true fractions, and soft Dice while the weight is not zero.

    Cross-entropy alone is least where the prediction is the expected fraction, so it calibrates the soft area; Dice
    speeds the start and rewards confident pixels.
    """
    weights = torch.tensor(CHANNEL_WEIGHTS)
    entropy = functional.binary_cross_entropy_with_logits(logits, fractions, reduction="none").mean(dim=(0, 2, 3))
    loss = 10 * (entropy * weights).sum()
    if dice_weight > 0:
        share = torch.sigmoid(logits)
        overlap = 2 * (share * fractions).sum(dim=(2, 3)) + 10
        total = share.sum(dim=(2, 3)) + fractions.sum(dim=(2, 3)) + 10
        loss = loss + dice_weight * ((1 - overlap / total).mean(dim=0) * weights).sum()
    return loss
