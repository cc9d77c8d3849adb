"""What lies in the canal beside the cord: flow voids, nerve roots, the cauda equina, and the medulla in its cistern."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_spinalq.phantom.tissue import Tissue
from training.casts import Cast
from training.contrasts import GREY, ROOT, WHITE
from training.fields import chance, smooth_noise, uniform

CAUDA_ROOTS = 16
"""Most roots drawn below the conus; a real slice shows 10 to 30, which a voxel joins."""

MEDULLA_RL_MM, MEDULLA_AP_MM = (7.5, 12.0), (6.2, 10.5)
"""Half axes of the medulla above the foramen magnum, up to the pons: at least 145 mm2, more than any cord."""

CISTERN_RL, CISTERN_AP = (1.25, 1.9), (1.25, 1.8)
"""Half axes of the cistern around it, as a multiple of its own."""


def canal_content(x: Tensor, y: Tensor, signals: Tensor, cast: Cast, step_mm: float, g: torch.Generator) -> Tensor:
    """Return the signal of the canal without the cord, (b, 1, n, n).

    Parameters
    ----------
    x, y : (b, n, n) tensors
        Place to the right of and in front of the cord's centre, mm.
    signals : (b, n_rows) tensor
        Signal of every tissue.
    cast : Cast
        What each picture shows.
    step_mm : float
        Pixel of the scene, mm.
    g : torch.Generator
        Source of chance.
    """
    count, n = len(x), x.shape[-1]
    fluid = signals[:, int(Tissue.CSF), None, None].expand(x.shape)
    void = smooth_noise(count, 1, max(6, int(n * step_mm / 7)), n, g)[:, 0].clamp(0, 1.5)
    amount = uniform(count, 0.1, 0.6, g) * chance(count, 0.35, g)
    fluid = fluid * (1 - amount[:, None, None] * void)
    roots = _roots(x, y, cast, step_mm, g)
    content = fluid * (1 - roots) + signals[:, ROOT, None, None] * roots
    medulla = torch.nonzero(cast.medulla)[:, 0]
    if len(medulla):
        content = content.clone()
        content[medulla] = _medulla(x[medulla], y[medulla], fluid[medulla], signals[medulla], step_mm, g)
    return content[:, None]


def cistern_mm(x: Tensor, y: Tensor, g: torch.Generator) -> Tensor:
    """Return the distance from the wall of a wide sac around the medulla, mm, negative inside, (b, n, n)."""
    count = len(x)
    half_x, half_y = (
        uniform(count, *axis, g)[:, None, None] * uniform(count, *times, g)[:, None, None]
        for axis, times in ((MEDULLA_RL_MM, CISTERN_RL), (MEDULLA_AP_MM, CISTERN_AP))
    )
    return (torch.hypot(x / half_x, y / half_y) - 1) * torch.minimum(half_x, half_y)


def _medulla(x: Tensor, y: Tensor, fluid: Tensor, signals: Tensor, step_mm: float, g: torch.Generator) -> Tensor:
    """Draw medulla and, behind it, the tonsils of the cerebellum into fluid."""
    count, n = len(x), x.shape[-1]
    tonsils = torch.zeros_like(x)
    for side in (-1, 1):
        at_x, at_y = side * uniform(count, 5.0, 11.0, g), -uniform(count, 9.0, 15.0, g)
        tonsil = _ellipse(x, y, at_x, at_y, uniform(count, 3.5, 8.0, g), uniform(count, 3.0, 7.0, g), step_mm)
        tonsils = torch.maximum(tonsils, tonsil * chance(count, 0.6, g)[:, None, None])
    found = fluid + (signals[:, int(Tissue.CEREBELLUM), None, None] - fluid) * tonsils
    middle, half_x, half_y = torch.zeros(count), uniform(count, *MEDULLA_RL_MM, g), uniform(count, *MEDULLA_AP_MM, g)
    shape = _ellipse(x, y, middle, middle, half_x, half_y, step_mm)
    nuclei = torch.sigmoid(4 * smooth_noise(count, 1, max(8, int(n * step_mm / 5)), n, g)[:, 0] - 2)
    white, grey = signals[:, WHITE, None, None], signals[:, GREY, None, None]
    return found + (white + (grey - white) * nuclei - found) * shape


def _roots(x: Tensor, y: Tensor, cast: Cast, step_mm: float, g: torch.Generator) -> Tensor:
    """Share of each pixel that is nerve root: a few beside the cord, many around the conus and below."""
    count = len(x)
    roots = torch.zeros_like(x)
    for index in range(4):
        at_x = uniform(count, 3.0, 9.0, g) * (1 if index % 2 else -1)
        dots = _dots(x, y, at_x, uniform(count, -3.0, 3.0, g), uniform(count, 0.4, 1.0, g), step_mm)
        roots = torch.maximum(roots, dots * chance(count, 0.5, g)[:, None, None])
    bundle = torch.nonzero(cast.cauda | (cast.conus & chance(count, 0.8, g)))[:, 0]
    if len(bundle):
        roots[bundle] = torch.maximum(roots[bundle], _cauda_equina(x[bundle], y[bundle], step_mm, g))
    return roots


def _cauda_equina(x: Tensor, y: Tensor, step_mm: float, g: torch.Generator) -> Tensor:
    """Roots that lie behind one another in a crescent, single or run together into one grey band, and the filum."""
    count = len(x)
    middle, reach = uniform(count, -4.0, 0.5, g), uniform(count, 2.5, 7.0, g)
    arc, depth = uniform(count, -0.15, 0.06, g), uniform(count, 0.5, 1.8, g)
    band = torch.zeros_like(x)
    for _ in range(CAUDA_ROOTS):
        at_x = uniform(count, -1.0, 1.0, g) * reach
        at_y = middle - arc * at_x**2 + depth * torch.randn(count, generator=g)
        dots = _dots(x, y, at_x, at_y, uniform(count, 0.4, 1.1, g), step_mm)
        band = torch.maximum(band, dots * chance(count, 0.8, g)[:, None, None])
    across = (x / reach[:, None, None]) ** 2
    height = (y - middle[:, None, None] + arc[:, None, None] * x**2) / (1.6 * depth[:, None, None])
    together = torch.clamp(1.6 - 1.2 * (across + height**2), 0, 1) * uniform(count, 0.3, 1.0, g)[:, None, None]
    filum = _dots(x, y, torch.zeros(count), uniform(count, -4.0, 1.0, g), uniform(count, 0.5, 1.1, g), step_mm)
    band = torch.maximum(band, together * chance(count, 0.5, g)[:, None, None])
    return torch.maximum(band, filum * chance(count, 0.3, g)[:, None, None])


def _dots(x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor, radius: Tensor, step_mm: float) -> Tensor:
    distance = torch.hypot(x - at_x[:, None, None], y - at_y[:, None, None]) - radius[:, None, None]
    return torch.clamp(0.5 - distance / step_mm, 0, 1)


def _ellipse(
    x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor, half_x: Tensor, half_y: Tensor, step_mm: float
) -> Tensor:
    """Share of each pixel inside an ellipse, to a fraction of a pixel on its edge."""
    u, v = (x - at_x[:, None, None]) / half_x[:, None, None], (y - at_y[:, None, None]) / half_y[:, None, None]
    nearer = torch.minimum(half_x, half_y)[:, None, None]
    return torch.clamp(0.5 - (torch.hypot(u, v) - 1) * nearer / step_mm, 0, 1)
