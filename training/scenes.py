"""Scenes: an axial slice before the scanner sees it, as signals and as fractions of cord, grey matter and canal.

All pictures of a batch are drawn at once. Coordinates are mm from the middle of the picture: x to the patient's right,
y to anterior; the anatomy's own frame is reached through a rotation, a shift and a smooth warp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from napari_spinalq.phantom.tissue import Tissue
from training.anatomy import NEAR_STEP_MM, STEP_MM, WIDE_STEP_MM, Library
from training.canal import canal_content, cistern_mm
from training.casts import Cast, draw_cast
from training.contrasts import FIRST_RANDOM, GREY, LESION, N_RANDOM, WHITE, base_table, draw_signals
from training.fields import chance, largest, pixel_axes, sample_mm, smooth_noise, uniform


@dataclass(frozen=True)
class SceneKind:
    """What pictures a network is trained on.

    Attributes
    ----------
    size, step_mm : int, float
        Width in pixels and pixel of the scene, mm.
    wide : bool
        Whether whole slices are drawn.
    shift_mm : float
        How far from the middle the cord may lie.
    without_cord : float
        Share of pictures without cord.
    """

    size: int
    step_mm: float
    wide: bool
    shift_mm: float
    without_cord: float


FINE = SceneKind(160, 0.3, wide=False, shift_mm=3.5, without_cord=0.22)
WIDE = SceneKind(256, 0.75, wide=True, shift_mm=30.0, without_cord=0.25)

PHANTOM_SHARE = 0.65
"""Share of pictures whose surroundings are anatomical label maps; the others are regions without a name."""

CONUS_MM = (3.0, 6.0)
"""Diameter of the conus, mm, from some millimetres above its tip."""

ELSEWHERE_MM = (26.0, 75.0)
"""A picture beside the canal is centred this far from it, mm: half a picture and more."""

GM_MIDDLE_MM = 0.5
"""Grey matter is stretched about this height above the cord's centre, where its commissure lies."""

MAX_TURN_DEG = 20.0

LESION_SHARES = (0.17, 0.06)
"""Share of cords with a lesion, and with another one."""


@dataclass(frozen=True)
class Scene:
    """Pictures of a batch: ``signal`` (b, 1, n, n) and ``fractions`` (b, 3, n, n) of cord, grey matter and canal."""

    signal: Tensor
    fractions: Tensor


class Painter:
    """Draws scenes from a library of shapes.

    Parameters
    ----------
    library : Library
        Shapes and surroundings.
    kind : SceneKind
        What to draw.
    seed : int
        All chance comes from it.
    """

    def __init__(self, library: Library, kind: SceneKind, seed: int) -> None:
        self.kind = kind
        self.generator = torch.Generator().manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self._shapes = torch.from_numpy(library.distances)
        self._thick = torch.from_numpy(library.thick_gm)
        self._labels = torch.from_numpy(library.wide if kind.wide else library.near)
        self._label_step_mm = WIDE_STEP_MM if kind.wide else NEAR_STEP_MM
        self._far_labels = torch.from_numpy(library.wide)
        self._cord_mm2 = (self._shapes[:, 0] < 0).sum(dim=(1, 2)) * STEP_MM**2
        self._with_cord = torch.from_numpy(np.flatnonzero(library.has_cord))
        self._without = torch.from_numpy(np.flatnonzero(~library.has_cord))
        self._table = base_table()
        self._y, self._x = pixel_axes(kind.size, kind.step_mm)

    def paint(self, count: int) -> Scene:
        """Draw some scenes."""
        g = self.generator
        x, y = self._warped(count)
        signals = torch.from_numpy(draw_signals(self.rng, count, self._table))
        cast = draw_cast(count, self.kind.without_cord, self.kind.wide, g)
        cord, grey, canal, canal_mm = self._shapes_at(x, y, cast)
        labels = self._surroundings(x, y, canal_mm, cast)
        signals[cast.noise] = 1.0
        signal = signals.gather(1, labels.flatten(1)).view(count, 1, *labels.shape[1:])
        signal = signal * (1 + self._texture(count) * (~cast.noise)[:, None, None, None])
        inside = canal_content(x, y, signals, cast, self.kind.step_mm, g)
        signal = signal * (1 - canal) + inside * canal
        tissue = self._cord_content(x, y, grey, signals)
        signal = signal * (1 - cord) + tissue * cord
        canal = canal * (~cast.medulla)[:, None, None, None]
        return Scene(signal, torch.cat([cord, grey * cord, canal], dim=1))

    def _warped(self, count: int) -> tuple[Tensor, Tensor]:
        """Return the anatomy's coordinates of all pixels, each (count, n, n)."""
        g, n = self.generator, self.kind.size
        angle = torch.deg2rad(uniform(count, -MAX_TURN_DEG, MAX_TURN_DEG, g) * chance(count, 0.7, g))[:, None, None]
        reach = self.kind.shift_mm
        dx, dy = (uniform(count, -reach, reach, g)[:, None, None] for _ in range(2))
        x, y = self._x - dx, self._y - dy
        x, y = x * torch.cos(angle) + y * torch.sin(angle), y * torch.cos(angle) - x * torch.sin(angle)
        size = self._x[0, -1] * 2
        knots = max(4, int(size / 14))
        amount = uniform(count, 0.0, 1.1, g)[:, None, None, None] * chance(count, 0.8, g)[:, None, None, None]
        warp = smooth_noise(count, 2, knots, n, g) * amount
        epi = smooth_noise(count, 1, max(3, knots // 2), n, g)[:, 0] * 2.0 * chance(count, 0.12, g)[:, None, None]
        x, y = x + warp[:, 0], y + warp[:, 1] + epi
        bulge = uniform(count, -3.0, 3.0, g)[:, None, None] * chance(count, 0.2, g)[:, None, None]
        at, width = uniform(count, -4, 4, g)[:, None, None], uniform(count, 3, 7, g)[:, None, None]
        side = torch.sigmoid(torch.sign(bulge) * y / 1.5)
        return x, y + bulge * torch.exp(-0.5 * ((x - at) / width) ** 2) * side

    def _shapes_at(self, x: Tensor, y: Tensor, cast: Cast) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return fractions of cord, grey matter and canal (b, 1, n, n), and distance from the canal, mm."""
        g, count = self.generator, len(x)
        chosen = torch.randint(len(self._shapes), (count,), generator=g)
        maps = self._shapes[chosen].float()
        sx, sy = (scale[:, None, None] for scale in self._cord_scales(chosen, cast))
        cord_mm = sample_mm(maps[:, :1], x / sx, y / sy, STEP_MM)[:, 0] * (sx * sy).sqrt()
        grey_mm = self._grey_mm(maps[:, 1:2], x / sx, y / sy, self._thick[chosen]) * (sx * sy).sqrt()
        canal_mm = self._canal_mm(maps[:, 2:], x, y, cord_mm, cast)
        soft = lambda distance: torch.clamp(0.5 - distance / self.kind.step_mm, 0, 1)[:, None]  # noqa: E731
        here, hollow = (~cast.empty)[:, None, None, None].float(), (~cast.no_canal)[:, None, None, None].float()
        cord, grey = soft(cord_mm) * here, soft(torch.maximum(grey_mm, cord_mm + 0.3)) * here
        return cord, grey, torch.maximum(soft(canal_mm) * hollow, cord), canal_mm

    def _cord_scales(self, chosen: Tensor, cast: Cast) -> tuple[Tensor, Tensor]:
        """Factors on the width and the depth of each cord, (b,): size, flattening, atrophy, compression, conus."""
        g, count = self.generator, len(chosen)
        size = torch.exp(0.16 * torch.randn(count, generator=g))
        flat = torch.exp(0.12 * torch.randn(count, generator=g))
        thin = torch.where(chance(count, 0.15, g), uniform(count, 0.6, 1.0, g), torch.ones(count))
        thin = torch.where(cast.squeezed, uniform(count, 0.4, 0.8, g), thin)
        conus = uniform(count, *CONUS_MM, g) / torch.sqrt(4 / torch.pi * self._cord_mm2[chosen])
        sx, sy = torch.where(cast.conus, conus, size * flat), torch.where(cast.conus, conus, size / flat * thin)
        return sx, sy

    def _canal_mm(self, maps: Tensor, x: Tensor, y: Tensor, cord_mm: Tensor, cast: Cast) -> Tensor:
        """Distance from the canal, mm: around the cord, narrow where it is squeezed, a cistern around the medulla."""
        g, count = self.generator, len(x)
        wide = torch.exp(0.13 * torch.randn(2, count, generator=g))
        wide[1] *= torch.where(cast.squeezed, uniform(count, 0.4, 0.8, g), torch.ones(count))
        ox, oy = uniform(count, -1.2, 1.2, g)[:, None, None], uniform(count, -2.0, 2.0, g)[:, None, None]
        scale_x, scale_y = wide[:, :, None, None]
        canal_mm = sample_mm(maps, (x - ox) / scale_x, (y - oy) / scale_y, STEP_MM)[:, 0] * (scale_x * scale_y).sqrt()
        canal_mm = torch.minimum(canal_mm, cord_mm - uniform(count, -0.2, 0.6, g)[:, None, None])
        canal_mm = torch.where(cast.medulla[:, None, None], cistern_mm(x, y, g), canal_mm)
        return torch.where(cast.no_canal[:, None, None], torch.full_like(canal_mm, 20.0), canal_mm)

    def _grey_mm(self, maps: Tensor, x: Tensor, y: Tensor, thick: Tensor) -> Tensor:
        """Distance from grey matter, the template's being thinned and stretched towards the surface of the cord."""
        g, count = self.generator, len(x)
        stretch = torch.where(thick, uniform(count, 1.05, 1.25, g), uniform(count, 0.95, 1.05, g))[:, None, None]
        thinner = torch.where(thick, uniform(count, 0.08, 0.22, g), uniform(count, -0.05, 0.10, g))[:, None, None]
        below = GM_MIDDLE_MM - y
        horns = uniform(count, 1.0, 1.3, g)[:, None, None]
        along = torch.where(below > 0, GM_MIDDLE_MM - below / (stretch * horns), GM_MIDDLE_MM - below / stretch)
        return sample_mm(maps, x / stretch, along, STEP_MM)[:, 0] + thinner

    def _surroundings(self, x: Tensor, y: Tensor, canal_mm: Tensor, cast: Cast) -> Tensor:
        """Return the table row of every pixel outside the canal, (b, n, n)."""
        g, count = self.generator, len(x)
        slices = self._with_cord[torch.randint(len(self._with_cord), (count,), generator=g)]
        above = self._without[torch.randint(len(self._without), (count,), generator=g)]
        chosen = torch.where(cast.brain, above, slices)
        labels = self._named(x, y, chosen, cast)
        outside = (canal_mm > 0) & ~cast.brain[:, None, None]
        known = labels.masked_fill((labels == Tissue.CSF) & outside, int(Tissue.FAT))
        regions = self._regions(count)
        plain = cast.brain | chance(count, PHANTOM_SHARE, g)
        labels = torch.where(plain[:, None, None], known, regions)
        patchy = chance(count, 0.4, g)[:, None, None] & (labels == Tissue.MUSCLE) & (regions < FIRST_RANDOM + 2)
        labels = torch.where(patchy, regions, labels)
        return self._wall(x, y, canal_mm, labels, ~cast.no_canal)

    def _named(self, x: Tensor, y: Tensor, chosen: Tensor, cast: Cast) -> Tensor:
        """Tissue of each pixel in the label maps, (b, n, n); brain and places beside the canal may lie anywhere."""
        g, count = self.generator, len(x)
        scale = torch.exp(0.12 * torch.randn(count, generator=g))[:, None, None]
        maps = self._labels[chosen][:, None].float()
        named = sample_mm(maps, x / scale, y / scale, self._label_step_mm, "nearest")[:, 0]
        away = torch.nonzero(cast.elsewhere | (cast.brain & (not self.kind.wide)))[:, 0]
        if len(away):
            angle = uniform(len(away), -torch.pi, torch.pi, g)
            near = cast.brain[away] * uniform(len(away), 0.0, 0.6, g)
            distance = uniform(len(away), *ELSEWHERE_MM, g) * torch.where(cast.brain[away], near, torch.ones(len(away)))
            u, v = (distance * torch.sin(angle))[:, None, None], (distance * torch.cos(angle))[:, None, None]
            far = self._far_labels[chosen[away]][:, None].float()
            named[away] = sample_mm(far, (x / scale)[away] + u, (y / scale)[away] + v, WIDE_STEP_MM, "nearest")[:, 0]
        return named.round().long()

    def _regions(self, count: int) -> Tensor:
        """Regions of random outline and size, rows from ``FIRST_RANDOM`` on."""
        g, n = self.generator, self.kind.size
        knots = int(torch.randint(4, 14, (1,), generator=g))
        field = smooth_noise(count, N_RANDOM, knots, n, g)
        field = field + 0.5 * smooth_noise(count, 1, 3 * knots, n, g) * torch.linspace(-1, 1, N_RANDOM)[:, None, None]
        return largest(field) + FIRST_RANDOM

    def _wall(self, x: Tensor, y: Tensor, canal_mm: Tensor, labels: Tensor, some: Tensor) -> Tensor:
        """Draw dura, epidural fat or veins, and a rim of bone around the canal, of varying thickness."""
        g, count = self.generator, len(x)
        n = self.kind.size
        dura = uniform(count, 0.0, 0.8, g)[:, None, None]
        uneven = smooth_noise(count, 2, max(5, int(n * self.kind.step_mm / 9)), n, g)
        fat = dura + (uneven[:, 0] + 0.3 * chance(count, 0.7, g)[:, None, None]).clamp(min=0) * 1.5
        bone = fat + (uneven[:, 1]).clamp(min=0) * 2.0
        rows = torch.tensor([Tissue.FAT, Tissue.VESSEL, FIRST_RANDOM])[torch.randint(3, (count,), generator=g)]
        some = some & chance(count, 0.8, g)
        for limit, row in ((bone, int(Tissue.CORTICAL_BONE)), (fat, rows[:, None, None]), (dura, int(Tissue.LIGAMENT))):
            near = some[:, None, None] & (canal_mm < limit) & (canal_mm > -0.5)
            labels = torch.where(near, torch.as_tensor(row), labels)
        return labels

    def _texture(self, count: int) -> Tensor:
        g, n = self.generator, self.kind.size
        amount = uniform(count, 0.0, 0.22, g)[:, None, None, None]
        knots = max(6, int(n * self.kind.step_mm / 6))
        return amount * (smooth_noise(count, 1, knots, n, g) + 0.6 * smooth_noise(count, 1, 3 * knots, n, g))

    def _cord_content(self, x: Tensor, y: Tensor, grey: Tensor, signals: Tensor) -> Tensor:
        """White and grey matter with a slow change of signal, and lesions in some cords."""
        g, count, n = self.generator, len(x), self.kind.size
        white = signals[:, WHITE, None, None, None]
        tissue = white + (signals[:, GREY, None, None, None] - white) * grey
        slow = smooth_noise(count, 1, max(5, int(n * self.kind.step_mm / 5)), n, g)
        tissue = tissue * (1 + 0.05 * torch.rand(count, 1, 1, 1, generator=g) * slow)
        for share in LESION_SHARES:
            lesion = self._lesion(x, y, share)
            tissue = tissue * (1 - lesion) + signals[:, LESION, None, None, None] * lesion
        return tissue

    def _lesion(self, x: Tensor, y: Tensor, share: float) -> Tensor:
        """Share of each pixel that is lesion, (b, 1, n, n), none in most pictures; some fill the whole cord."""
        g, count = self.generator, len(x)
        ill = chance(count, share, g)
        at = torch.randn(2, count, 1, 1, generator=g) * torch.tensor([3.0, 2.0])[:, None, None, None]
        rx, ry = (uniform(count, 0.8, 6.0, g)[:, None, None] for _ in range(2))
        radius = torch.sqrt(((x - at[0]) / rx) ** 2 + ((y - at[1]) / ry) ** 2)
        return (torch.clamp(1.5 - radius, 0, 1) * ill[:, None, None])[:, None]
