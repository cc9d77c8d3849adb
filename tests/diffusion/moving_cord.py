"""A neck in closed form that moves by known amounts: nothing is interpolated, so every shift is exact.

Places are told in mm along the slices' own axes (superior, anterior, right) from the middle of the image. The cord is a
curved ellipse with a butterfly in it, in a wider ellipse of CSF, behind a column of vertebrae and discs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.diffusion import Scheme, tensor_signals
from napari_spinalq.registration.slicewise.frame import slice_frame
from napari_spinalq.scan import Scan

EDGE_MM = 0.35
TISSUES = ("white", "grey", "csf", "bone", "disc", "muscle")
B0 = np.array([180.0, 200.0, 460.0, 40.0, 70.0, 50.0])
FA = np.array([0.70, 0.40, 0.0, 0.1, 0.1, 0.2])
MD = np.array([0.9, 0.9, 5.0, 0.8, 1.2, 1.4])  # the CSF of a living neck loses its signal to flow
MT_OFF = np.array([200.0, 220.0, 260.0, 60.0, 110.0, 160.0])
T1W = np.array([150.0, 132.0, 45.0, 110.0, 85.0, 120.0])
MTR = np.array([0.50, 0.42, 0.05, 0.2, 0.3, 0.45])


def _inside(level):
    """Soft membership from a signed distance (mm, positive inside)."""
    return 1 / (1 + np.exp(-level / EDGE_MM))


def _ellipse(a, r, at, half):
    radius = np.hypot((a - at[0]) / half[0], (r - at[1]) / half[1])
    return _inside((1 - radius) * min(half))


def course_mm(s):
    """Place of the cord at a height: anterior and right, mm."""
    return 2.0 * np.cos(s / 25.0), 0.02 * s


def fractions(places):
    """Share of each tissue at places (..., 3), shape (n_tissues, ...)."""
    s, a, r = np.moveaxis(places, -1, 0)
    middle_a, middle_r = course_mm(s)
    a, r = a - middle_a, r - middle_r
    canal, cord = _ellipse(a, r, (0.0, 0.3), (6.5, 9.0)), _ellipse(a, r, (-0.5, 0.0), (4.0, 6.2))
    horns = np.maximum(_ellipse(a, r, (-0.5, 2.2), (2.6, 0.9)), _ellipse(a, r, (-0.5, -2.2), (2.6, 0.9)))
    grey = np.maximum(horns, _ellipse(a, r, (-0.3, 0.0), (0.8, 2.2))) * cord
    column = _ellipse(a, r, (15.0, 0.0), (7.0, 12.0)) * (1 - canal)
    disc = column * _inside(2.5 - np.abs((s + 4.0) % 16.0 - 8.0))
    muscle = _ellipse(a, r, (-16.0, 9.0), (7.0, 7.0)) + 0.8 * _ellipse(a, r, (-15.0, -10.0), (6.0, 8.0))
    muscle = muscle * (1 - canal) * (1 - column)
    return np.stack([cord - grey, grey, canal - cord, column - disc, disc, muscle])


@dataclass(frozen=True)
class Stack:
    """A grid in any file order, and its voxel places along its own axes."""

    grid: Grid

    @property
    def places(self):
        """Shape (slices, rows, columns, 3): superior, anterior, right, mm; order of the acquisition's slices."""
        frame = slice_frame(self.grid)
        index = np.moveaxis(np.indices(frame.grid.shape), 0, -1) - (np.asarray(frame.grid.shape) - 1) / 2
        placed = index * frame.grid.spacing
        return placed[..., [frame.codes.index(code) for code in "SAR"]]


def grid(codes="SAR", *, shape=(7, 44, 44), spacing=(5.0, 1.0, 1.0), tilt_deg=0.0):
    """A grid of superior, anterior, right sizes stored as ``codes``, tilted about the left-right axis."""
    turn = np.radians(tilt_deg)
    axes = np.array([[0.0, 0, 1], [np.sin(turn), np.cos(turn), 0], [np.cos(turn), -np.sin(turn), 0]])
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = [3.0, -20.0, 50.0]
    return Grid(shape, affine).reoriented(codes)


def moved_places(places, frame, shifts_mm, angles_deg):
    """Where the body that is seen in each pixel lay before it moved: the closed form of a shift and a turn.

    A turn is about the cord's own place in the slice (about the middle in slices along the cord).
    """
    moved = places.copy()
    first, second = ("SAR".index(code) for code in frame.codes[1:])
    for z, ((d_first, d_second), angle) in enumerate(zip(shifts_mm, np.radians(angles_deg), strict=True)):
        here = np.array(course_mm(places[z, 0, 0, 0])) if frame.codes == "SAR" else np.zeros(2)
        u = places[z, ..., first] - here[0] - d_first
        v = places[z, ..., second] - here[1] - d_second
        moved[z, ..., first] = np.cos(angle) * u - np.sin(angle) * v + here[0]
        moved[z, ..., second] = np.cos(angle) * v + np.sin(angle) * u + here[1]
    return moved


def motion(n_volumes, n_slices, *, seed=0, jitter_mm=0.3, jump_mm=3.0, scale=1.0):
    """Shifts (volumes, slices, 2): a slow walk, a bend along the stack, two jumps, and a jitter of every slice."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, 0.15, (n_volumes, 1, 2)), axis=0)
    bend = random.normal(0, 0.3, (n_volumes, 1, 2)) * np.linspace(-1, 1, n_slices)[:, None] ** 2
    jumps = np.zeros((n_volumes, 1, 2))
    for volume in random.choice(np.arange(1, n_volumes), 2, replace=False):
        jumps[volume, 0] = jump_mm * np.array([np.cos(volume), np.sin(volume)])
    return scale * (walk + bend + jumps + random.normal(0, jitter_mm, (n_volumes, n_slices, 2)))


SCHEME = Scheme(n_b0=3, shells=((800.0, 15),), interleaved=True).table()


def series(
    on_grid,
    shifts_mm,
    *,
    angles_deg=None,
    scheme=SCHEME,
    snr=20.0,
    seed=1,
    dropouts=(),
):
    """A diffusion series as a Scan and its cord mask (of the body before it moved)."""
    frame, places = slice_frame(on_grid), Stack(on_grid).places
    angles = np.zeros(shifts_mm.shape[:2]) if angles_deg is None else angles_deg
    fibre = on_grid.reoriented("SAR").affine[:3, 0]
    fibres = np.broadcast_to(fibre / np.linalg.norm(fibre), (*places.shape[:3], 3))
    data = np.empty((*places.shape[:3], len(scheme)))
    for volume in range(len(scheme)):
        # Tissue that turned holds its fibres along the slice normal still: the directions need no turn here.
        one = GradientTable(scheme.b_values[[volume]], scheme.directions[[volume]])
        share = fractions(moved_places(places, frame, shifts_mm[volume], angles[volume]))
        data[..., volume] = tensor_signals(share, fibres, B0, FA, MD, one)[..., 0]
    for volume, z in dropouts:
        data[z, ..., volume] *= 0.4
    if snr:
        data = add_rician_noise(data, B0[0] / snr, np.random.default_rng(seed))
    still = fractions(places)
    mask = (still[0] + still[1] > 0.5).astype(np.uint8)
    scan = Scan(frame.unstacked(data.astype(np.float32), on_grid), on_grid, Contrast.DWI)
    return scan, frame.unstacked(mask, on_grid)


def mt_image(on_grid, shifts_mm, *, on=False, levels=None, noise_sd=6.0, seed=5, angles_deg=None):
    """An image with (``on``) or without the MT pulse, or of other levels, of a body that moved by (slices, 2) mm."""
    frame, places = slice_frame(on_grid), Stack(on_grid).places
    angles = np.zeros(len(shifts_mm)) if angles_deg is None else angles_deg
    share = fractions(moved_places(places, frame, shifts_mm, angles))
    usual = MT_OFF * (1 - MTR) if on else MT_OFF
    signal = np.tensordot(usual if levels is None else levels, share, 1)
    noisy = add_rician_noise(signal, noise_sd, np.random.default_rng(seed)) if noise_sd else signal
    return Scan(frame.unstacked(noisy.astype(np.float32), on_grid), on_grid, Contrast.MT)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))
