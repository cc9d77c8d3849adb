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
from training.contrasts import FIRST_RANDOM, GREY, LESION, N_RANDOM, ROOT, WHITE, base_table, draw_signals
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


FINE = SceneKind(160, 0.3, wide=False, shift_mm=3.5, without_cord=0.15)
WIDE = SceneKind(256, 0.75, wide=True, shift_mm=30.0, without_cord=0.25)

PHANTOM_SHARE = 0.65
"""Share of pictures whose surroundings are anatomical label maps; the others are regions without a name."""

CAUDA_ROOTS = 16
"""Most roots drawn below the conus; a real slice shows 10 to 30, which a voxel joins."""

GM_MIDDLE_MM = 0.5
"""Grey matter is stretched about this height above the cord's centre, where its commissure lies."""

MAX_TURN_DEG = 20.0


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
        self._with_cord = torch.from_numpy(np.flatnonzero(library.has_cord))
        self._without = torch.from_numpy(np.flatnonzero(~library.has_cord))
        self._table = base_table()
        self._y, self._x = pixel_axes(kind.size, kind.step_mm)

    def paint(self, count: int) -> Scene:
        """Draw some scenes."""
        g = self.generator
        x, y = self._warped(count)
        signals = torch.from_numpy(draw_signals(self.rng, count, self._table))
        empty = chance(count, self.kind.without_cord, g)
        brain = empty & chance(count, 0.5, g)
        cord, grey, canal, canal_mm = self._shapes_at(x, y, empty, brain)
        labels = self._surroundings(x, y, canal_mm, brain)
        signal = signals.gather(1, labels.flatten(1)).view(count, 1, *labels.shape[1:])
        signal = signal * (1 + self._texture(count))
        inside = self._canal_content(x, y, cord, signals, empty)
        signal = signal * (1 - canal) + inside * canal
        tissue = self._cord_content(x, y, grey, signals)
        signal = signal * (1 - cord) + tissue * cord
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

    def _shapes_at(self, x: Tensor, y: Tensor, empty: Tensor, brain: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return fractions of cord, grey matter and canal (b, 1, n, n), and distance from the canal, mm."""
        g, count = self.generator, len(x)
        chosen = torch.randint(len(self._shapes), (count,), generator=g)
        maps = self._shapes[chosen].float()
        size = torch.exp(0.16 * torch.randn(count, generator=g))
        flat = torch.exp(0.12 * torch.randn(count, generator=g))
        thin = torch.where(chance(count, 0.15, g), uniform(count, 0.6, 1.0, g), torch.ones(count))
        sx, sy = ((size * flat)[:, None, None], (size / flat * thin)[:, None, None])
        cord_mm = sample_mm(maps[:, :1], x / sx, y / sy, STEP_MM)[:, 0] * (sx * sy).sqrt()
        grey_mm = self._grey_mm(maps[:, 1:2], x / sx, y / sy, self._thick[chosen]) * (sx * sy).sqrt()
        wide = torch.exp(0.13 * torch.randn(2, count, generator=g))[:, :, None, None]
        ox = uniform(count, -1.2, 1.2, g)[:, None, None]
        oy = uniform(count, -2.0, 2.0, g)[:, None, None]
        canal_mm = sample_mm(maps[:, 2:], (x - ox) / wide[0], (y - oy) / wide[1], STEP_MM)[:, 0]
        canal_mm = torch.minimum(canal_mm * wide.prod(0).sqrt(), cord_mm - uniform(count, -0.2, 0.6, g)[:, None, None])
        soft = lambda distance: torch.clamp(0.5 - distance / self.kind.step_mm, 0, 1)[:, None]  # noqa: E731
        here, hollow = (~empty)[:, None, None, None].float(), (~brain)[:, None, None, None].float()
        cord, grey = soft(cord_mm) * here, soft(torch.maximum(grey_mm, cord_mm + 0.3)) * here
        canal_mm = torch.where(brain[:, None, None], torch.full_like(canal_mm, 20.0), canal_mm)
        return cord, grey, torch.maximum(soft(canal_mm) * hollow, cord), canal_mm

    def _grey_mm(self, maps: Tensor, x: Tensor, y: Tensor, thick: Tensor) -> Tensor:
        """Distance from grey matter, the template's being thinned and stretched towards the surface of the cord."""
        g, count = self.generator, len(x)
        stretch = torch.where(thick, uniform(count, 1.05, 1.25, g), uniform(count, 0.92, 1.12, g))[:, None, None]
        thinner = torch.where(thick, uniform(count, 0.05, 0.25, g), uniform(count, -0.12, 0.15, g))[:, None, None]
        below = GM_MIDDLE_MM - y
        horns = uniform(count, 1.0, 1.3, g)[:, None, None]
        along = torch.where(below > 0, GM_MIDDLE_MM - below / (stretch * horns), GM_MIDDLE_MM - below / stretch)
        return sample_mm(maps, x / stretch, along, STEP_MM)[:, 0] + thinner

    def _surroundings(self, x: Tensor, y: Tensor, canal_mm: Tensor, brain: Tensor) -> Tensor:
        """Return the table row of every pixel outside the canal, (b, n, n)."""
        g, count = self.generator, len(x)
        slices = self._with_cord[torch.randint(len(self._with_cord), (count,), generator=g)]
        above = self._without[torch.randint(len(self._without), (count,), generator=g)]
        chosen = torch.where(brain, above, slices)
        scale = torch.exp(0.12 * torch.randn(count, generator=g))[:, None, None]
        named = sample_mm(self._labels[chosen][:, None].float(), x / scale, y / scale, self._label_step_mm, "nearest")
        labels = named[:, 0].round().long()
        outside = canal_mm > 0
        known = labels.masked_fill((labels == Tissue.CSF) & outside & ~brain[:, None, None], int(Tissue.FAT))
        regions = self._regions(count)
        plain = brain | chance(count, PHANTOM_SHARE, g)
        labels = torch.where(plain[:, None, None], known, regions)
        patchy = chance(count, 0.4, g)[:, None, None] & (labels == Tissue.MUSCLE) & (regions < FIRST_RANDOM + 2)
        labels = torch.where(patchy, regions, labels)
        return self._wall(x, y, canal_mm, labels, ~brain)

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

    def _canal_content(self, x: Tensor, y: Tensor, cord: Tensor, signals: Tensor, empty: Tensor) -> Tensor:
        """Fluid with flow voids and nerve roots: pairs beside the cord, a bundle below the conus."""
        g, count, n = self.generator, len(x), self.kind.size
        fluid = signals[:, int(Tissue.CSF), None, None, None]
        void = smooth_noise(count, 1, max(6, int(n * self.kind.step_mm / 7)), n, g).clamp(0, 1.5)
        fluid = fluid * (
            1 - uniform(count, 0.1, 0.6, g)[:, None, None, None] * chance(count, 0.35, g)[:, None, None, None] * void
        )
        fluid = fluid.expand(count, 1, *x.shape[1:])
        roots = self._roots(x, y, empty)
        return fluid * (1 - roots[:, None]) + signals[:, ROOT, None, None, None] * roots[:, None]

    def _roots(self, x: Tensor, y: Tensor, empty: Tensor) -> Tensor:
        """Share of each pixel that is nerve root: a few beside the cord, the cauda equina where no cord is."""
        g, count = self.generator, len(x)
        roots = torch.zeros_like(x)
        for index in range(4):
            at_x = uniform(count, 3.0, 9.0, g) * (1 if index % 2 else -1)
            dots = self._dots(x, y, at_x, uniform(count, -3.0, 3.0, g), uniform(count, 0.4, 1.0, g))
            roots = torch.maximum(roots, dots * chance(count, 0.5, g)[:, None, None])
        bundle = torch.nonzero(empty & chance(count, 0.85, g))[:, 0]
        if len(bundle):
            roots[bundle] = torch.maximum(roots[bundle], self._cauda_equina(x[bundle], y[bundle]))
        return roots

    def _cauda_equina(self, x: Tensor, y: Tensor) -> Tensor:
        """Roots that lie behind one another in a crescent, single or run together into one grey band."""
        g, count = self.generator, len(x)
        middle, reach = uniform(count, -4.0, 0.5, g), uniform(count, 2.5, 7.0, g)
        arc, depth = uniform(count, -0.15, 0.06, g), uniform(count, 0.5, 1.8, g)
        band = torch.zeros_like(x)
        for _ in range(CAUDA_ROOTS):
            at_x = uniform(count, -1.0, 1.0, g) * reach
            at_y = middle - arc * at_x**2 + depth * torch.randn(count, generator=g)
            dots = self._dots(x, y, at_x, at_y, uniform(count, 0.4, 1.1, g))
            band = torch.maximum(band, dots * chance(count, 0.8, g)[:, None, None])
        across = (x / reach[:, None, None]) ** 2
        height = (y - middle[:, None, None] + arc[:, None, None] * x**2) / (1.6 * depth[:, None, None])
        together = torch.clamp(1.6 - 1.2 * (across + height**2), 0, 1) * uniform(count, 0.3, 1.0, g)[:, None, None]
        return torch.maximum(band, together * chance(count, 0.5, g)[:, None, None])

    def _dots(self, x: Tensor, y: Tensor, at_x: Tensor, at_y: Tensor, radius: Tensor) -> Tensor:
        distance = torch.hypot(x - at_x[:, None, None], y - at_y[:, None, None]) - radius[:, None, None]
        return torch.clamp(0.5 - distance / self.kind.step_mm, 0, 1)

    def _cord_content(self, x: Tensor, y: Tensor, grey: Tensor, signals: Tensor) -> Tensor:
        """White and grey matter with a slow change of signal, and lesions in some cords."""
        g, count, n = self.generator, len(x), self.kind.size
        white = signals[:, WHITE, None, None, None]
        tissue = white + (signals[:, GREY, None, None, None] - white) * grey
        slow = smooth_noise(count, 1, max(5, int(n * self.kind.step_mm / 5)), n, g)
        tissue = tissue * (1 + 0.05 * torch.rand(count, 1, 1, 1, generator=g) * slow)
        ill = chance(count, 0.15, g)
        at = torch.randn(2, count, 1, 1, generator=g) * torch.tensor([3.0, 2.0])[:, None, None, None]
        rx, ry = (uniform(count, 0.8, 4.5, g)[:, None, None] for _ in range(2))
        radius = torch.sqrt(((x - at[0]) / rx) ** 2 + ((y - at[1]) / ry) ** 2)
        lesion = (torch.clamp(1.5 - radius, 0, 1) * ill[:, None, None])[:, None]
        return tissue * (1 - lesion) + signals[:, LESION, None, None, None] * lesion
