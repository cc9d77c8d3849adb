"""How a diffusion series is measured, and what goes wrong meanwhile: motion, distortion and lost signal, all known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.errors import InputError
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.diffusion import Scheme

DRIFT_SHARE_RIGHT = 0.35
"""People sink and nod more than they roll: drift to the side as a share of that to anterior."""

STANDS_OUT_MM = 1.5
"""A volume whose slices moved farther than this from the volume before, on average, counts as an outlier, mm."""

REACH_MM = 20.0
"""Farthest shift that can be simulated, mm: what moves into view is drawn too, and costs time."""


@dataclass(frozen=True)
class Move:
    """A displacement of everything in a volume: mm to anterior and right, degrees right towards anterior."""

    anterior_mm: float = 0.0
    right_mm: float = 0.0
    angle_deg: float = 0.0


@dataclass(frozen=True)
class Dropout:
    """A slice (work order, from inferior) of a volume that keeps only a share of its signal."""

    volume: int
    slice: int
    kept: float = 0.3


@dataclass(frozen=True)
class SeriesDesign:
    """A diffusion series: its scheme, and the faults of the measurement (none by default).

    Attributes
    ----------
    scheme : Scheme
        Volumes.
    snr : float, optional
        Signal of white matter without weighting over the noise of each channel; by default that of the protocol.
    moves : tuple of Move
        Displacement of each volume, from the first; volumes without one lie where the anatomy does.
    drift_mm, turn_deg : float
        Slow drift over the series: typical distance (mm) and turn (degrees), drawn at random.
    jitter_mm : float
        Standard deviation of each volume's own shift, mm.
    pulsation_mm : float
        Standard deviation of each slice's own shift within a volume, mm: breathing and heartbeat.
    distortion_mm : float
        Largest shift along the phase-encoding axis (anterior-posterior) by an uneven field, the same in all volumes.
    dropouts : tuple of Dropout
        Slices that lose signal, as when the cord moves during the diffusion gradients.
    """

    scheme: Scheme = field(default_factory=Scheme)
    snr: float | None = None
    moves: tuple[Move, ...] = ()
    drift_mm: float = 0.0
    turn_deg: float = 0.0
    jitter_mm: float = 0.0
    pulsation_mm: float = 0.0
    distortion_mm: float = 0.0
    dropouts: tuple[Dropout, ...] = ()

    def __post_init__(self) -> None:
        if min(self.drift_mm, self.turn_deg, self.jitter_mm, self.pulsation_mm, self.distortion_mm) < 0:
            raise InputError("Sizes of motion and distortion of a series must be zero or more.")
        if self.snr is not None and self.snr <= 0:
            raise InputError("The SNR of a series must be positive; noise=0 of the exam leaves noise out.")

    @property
    def still(self) -> bool:
        """Whether every volume lies where the anatomy does, undistorted."""
        sizes = (self.drift_mm, self.turn_deg, self.jitter_mm, self.pulsation_mm, self.distortion_mm)
        return not any(sizes) and not self.moves


@dataclass(frozen=True, eq=False)
class SeriesTruth:
    """What happened during a series.

    Attributes
    ----------
    motion : Motion
        True displacement of the cord in each slice of each volume from where the anatomy (and every mask) lies.
    kept : (n_volumes, n_slices) array
        Share of the signal that is left, slices in work order.
    distortion_mm : array, shape ``grid.shape``
        Shift of the image to anterior by the uneven field.
    largest_distortion_mm : float
        Its size where it is largest; no voxel need lie there.
    gradients : GradientTable
        Directions seen from the cord: those of the scanner turned back by the mean turn of each volume, RAS.
    """

    motion: Motion
    kept: NDArray[np.float64]
    distortion_mm: NDArray[np.float32]
    largest_distortion_mm: float
    gradients: GradientTable


def true_motion(design: SeriesDesign, n_volumes: int, n_slices: int, random: np.random.Generator) -> Motion:
    """Return the displacements of a series: what is drawn at random has mean zero in every slice over the volumes.

    So the mean place of the cord, to which motion correction brings it, is where the anatomy and every mask lie.

    Parameters
    ----------
    design : SeriesDesign
        Sizes of the motion.
    n_volumes, n_slices : int
        Of the series.
    random : Generator
        Draws drift, jitter and pulsation; the same numbers are drawn whatever their sizes.

    Raises
    ------
    InputError
        If there are more moves than volumes, or one is impossibly large.
    """
    if len(design.moves) > n_volumes:
        raise InputError(f"{len(design.moves)} moves were given for a series of {n_volumes} volumes.")
    given = np.zeros((n_volumes, 3))
    for volume, move in enumerate(design.moves):
        given[volume] = move.anterior_mm, move.right_mm, move.angle_deg
    drift = _drift(n_volumes, random)
    jitter, pulsation = random.standard_normal((n_volumes, 2)), random.standard_normal((n_volumes, n_slices, 2))
    volumes = design.drift_mm * drift[:, :2] * [1.0, DRIFT_SHARE_RIGHT] + design.jitter_mm * jitter
    own = volumes[:, None, :] + design.pulsation_mm * pulsation
    shifts = given[:, None, :2] + own - own.mean(axis=0)
    angles = np.repeat((given[:, 2] + design.turn_deg * drift[:, 2])[:, None], n_slices, axis=1)
    if np.abs(shifts).max() > REACH_MM:
        raise InputError(f"A series cannot move by more than {REACH_MM:g} mm; give smaller moves.")
    displacement = np.r_[0.0, np.linalg.norm(np.diff(shifts, axis=0), axis=2).mean(axis=1)]
    return Motion(shifts, angles, displacement, displacement > STANDS_OUT_MM, np.arange(n_volumes))


def kept_signal(design: SeriesDesign, n_volumes: int, n_slices: int) -> NDArray[np.float64]:
    """Return the share of signal left in each slice of each volume.

    Raises
    ------
    InputError
        If a dropout lies outside of the series.
    """
    kept = np.ones((n_volumes, n_slices))
    for one in design.dropouts:
        if not (0 <= one.volume < n_volumes and 0 <= one.slice < n_slices and 0 <= one.kept <= 1):
            raise InputError(
                f"A dropout in slice {one.slice} of volume {one.volume} is not in a series of {n_volumes} volumes of "
                f"{n_slices} slices, or keeps no share of 0 to 1."
            )
        kept[one.volume, one.slice] = one.kept
    return kept


def _drift(n_volumes: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return three smooth courses over the series, of mean zero and size of about one, shape (n_volumes, 3)."""
    time = np.linspace(0.0, 1.0, n_volumes)[:, None]
    slope, swing, phase = random.uniform(-1, 1, 3), random.uniform(0.2, 0.5, 3), random.uniform(0, 2 * np.pi, 3)
    course = np.sign(slope) * (0.5 + 0.5 * np.abs(slope)) * time + swing * np.sin(2 * np.pi * 1.5 * time + phase)
    return course - course.mean(axis=0)
