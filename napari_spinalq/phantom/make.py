"""Making an exam: from a design to scans and their truth."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom import corruption, diffusion, moving
from napari_spinalq.phantom.anatomy import Anatomy
from napari_spinalq.phantom.design import ExamDesign
from napari_spinalq.phantom.protocol import PROTOCOLS, Protocol, scan_grid
from napari_spinalq.phantom.sampling import Sampling, average_over_voxels, index_rows
from napari_spinalq.phantom.series import SeriesTruth, kept_signal, true_motion
from napari_spinalq.phantom.sidecars import excitation
from napari_spinalq.phantom.spoiled_echo import steady_signal
from napari_spinalq.phantom.tissue import (
    CORD_TISSUES,
    N_TISSUES,
    SIGNALS,
    TRACT_NAMES,
    Tissue,
    TissueSignal,
    membership,
    signal_row,
)
from napari_spinalq.phantom.truth import ScanTruth, arc_of_slices, disc_table, level_areas, level_map, slice_areas
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

SAMPLING = Sampling(fine_from=int(Tissue.GREY_MATTER))
"""Cord and grey matter are sampled finely, the neck coarsely."""

TEXTURE_WAVES = 14
TEXTURE_LENGTHS_MM = (4.0, 22.0)
"""Number and range of wavelengths of the smooth pattern in muscle, fat, marrow and the like."""


@dataclass(frozen=True, eq=False)
class PhantomExam:
    """Scans of one visit and everything that is known about them.

    Attributes
    ----------
    design : ExamDesign
        What it was made from.
    anatomy : Anatomy
        The person in the scanner: centerline, areas at any place.
    scans : dict of name to Scan
        Values as a scanner stores them (int16).
    truth : dict of name to ScanTruth
        Truth of each scan.
    discs, level_areas : DataFrame
        Discs, and closed-form mean areas per level.
    gradients : GradientTable
        Diffusion scheme of the ``dwi`` scan as it was measured, directions in RAS.
    """

    design: ExamDesign
    anatomy: Anatomy
    scans: dict[str, Scan]
    truth: dict[str, ScanTruth]
    discs: pd.DataFrame
    level_areas: pd.DataFrame
    gradients: GradientTable


def make_exam(
    design: ExamDesign,
    *,
    contrasts: Iterable[str] | None = None,
    protocols: Iterable[Protocol] = PROTOCOLS,
    progress: Progress = silent,
) -> PhantomExam:
    """Simulate the scans of one visit.

    Parameters
    ----------
    design : ExamDesign
        Person, disease, visit.
    contrasts : iterable of str, optional
        Names of the scans wanted, of ``t2w t2star psir mt_on mt_off mt_t1w dwi``; all by default.
    protocols : iterable of Protocol
        Acquisitions to choose from.
    progress : callable
        Told the fraction done.

    Returns
    -------
    PhantomExam
        The same design gives the same values, voxel for voxel.

    Raises
    ------
    InputError
        If a contrast is not in the protocol, or the design is impossible.
    """
    known = {protocol.name: protocol for protocol in protocols}
    names = list(known) if contrasts is None else list(contrasts)
    for name in names:
        if name not in known:
            raise InputError(f"{name!r} is no scan of the phantom; use {', '.join(known)}.")
    anatomy = design.anatomy()
    stacks = _stacks([known[name] for name in names])
    scans: dict[str, Scan] = {}
    truth: dict[str, ScanTruth] = {}
    for position, stack in enumerate(stacks):
        step = portion(progress, position / len(stacks), (position + 1) / len(stacks))
        images, exact = _acquire(stack, design, anatomy, step)
        scans |= images
        truth |= dict.fromkeys(images, exact)
    progress(1.0, "exam ready")
    return PhantomExam(
        design,
        anatomy,
        {name: scans[name] for name in names},
        {name: truth[name] for name in names},
        disc_table(anatomy),
        level_areas(anatomy),
        design.series.scheme.table(),
    )


def _stacks(protocols: list[Protocol]) -> list[list[Protocol]]:
    """Return the acquisitions in groups that share one grid, so that the anatomy is integrated once for each."""
    groups: dict[tuple, list[Protocol]] = {}
    for protocol in protocols:
        groups.setdefault(protocol.geometry, []).append(protocol)
    return list(groups.values())


def changed_signals(design: ExamDesign) -> dict[Tissue, TissueSignal]:
    """Return the signal table of all tissues with the design's tract changes applied."""
    signals = dict(SIGNALS)
    for name, change in design.tract_changes.items():
        healthy = SIGNALS[TRACT_NAMES[name]]
        signals[TRACT_NAMES[name]] = replace(
            healthy,
            fa=healthy.fa * change.fa,
            md=healthy.md * change.md,
            mtr_percent=healthy.mtr_percent * change.mtr,
            t2w=healthy.t2w * change.t2,
            t2star=healthy.t2star * change.t2,
        )
    return signals


def _acquire(
    stack: list[Protocol], design: ExamDesign, anatomy: Anatomy, progress: Progress
) -> tuple[dict[str, Scan], ScanTruth]:
    """Simulate the scans on one grid: integrate the anatomy over its voxels, then spoil each signal."""
    grid = scan_grid(stack[0], anatomy)
    signals = changed_signals(design)
    columns = [_columns(protocol, signals) for protocol in stack]
    weights = np.hstack([*columns, _truth_columns()])
    drawn_again = not design.series.still and any(protocol.contrast is Contrast.DWI for protocol in stack)
    integrated = portion(progress, 0.0, 0.2 if drawn_again else 1.0)
    values = average_over_voxels(anatomy.tissues, grid, weights, SAMPLING, integrated)
    ends = np.cumsum([part.shape[1] for part in columns])
    *parts, shares = np.split(values, ends)
    scans, series = {}, None
    for protocol, part in zip(stack, parts, strict=True):
        if protocol.contrast is Contrast.DWI:
            clean, series = _series(design, anatomy, grid, signals, part, portion(progress, 0.2, 1.0))
        else:
            clean = part[0] + part[1] * _texture(design, anatomy, grid)
        scans[protocol.name] = Scan(_spoil(clean, protocol, design, grid), grid, protocol.contrast)
    return scans, replace(_truth(anatomy, grid, shares), series=series)


def _spoil(signal: NDArray[np.float64], protocol: Protocol, design: ExamDesign, grid: Grid) -> NDArray[np.int16]:
    """Return the signal as stored: with bias, noise and rounding.

    Each scan draws from its own stream, so leaving one out does not change the others.
    """
    random = np.random.Generator(np.random.PCG64([design.noise_seed, zlib.crc32(protocol.name.encode())]))
    bias = corruption.bias_field(grid, design.bias, random)
    biased = signal * (bias[..., None] if signal.ndim == 4 else bias)
    add_noise = corruption.add_gaussian_noise if protocol.contrast is Contrast.PSIR else corruption.add_rician_noise
    return corruption.to_stored_integers(add_noise(biased, _noise_sd(protocol, design) * design.noise, random))


def _noise_sd(protocol: Protocol, design: ExamDesign) -> float:
    if protocol.contrast is Contrast.DWI and design.series.snr is not None:
        return SIGNALS[Tissue.WHITE_MATTER].b0 / design.series.snr
    return protocol.noise_sd


def _columns(protocol: Protocol, signals: dict[Tissue, TissueSignal]) -> NDArray[np.float64]:
    """Return what is averaged over voxels for one scan, shape (N_TISSUES, m).

    Diffusion needs the share of every tissue; the others mean signal and depth of texture.
    """
    if protocol.contrast is Contrast.DWI:
        return np.eye(N_TISSUES)
    level = _signal_level(protocol, signals)
    return np.stack([level, level * signal_row("texture", signals)], axis=1)


def _truth_columns() -> NDArray[np.float64]:
    """Return indicators of the cord and of each of its tissues, shape (N_TISSUES, 1 + n_cord_tissues)."""
    return np.stack([membership(CORD_TISSUES), *(membership((tissue,)) for tissue in CORD_TISSUES)], axis=1)


def _signal_level(protocol: Protocol, signals: dict[Tissue, TissueSignal]) -> NDArray[np.float64]:
    """Return the signal of each tissue.

    MT on is MT off less the MTR: on = off (1 - MTR / 100); the T1-weighted scan has the same full magnetisation.
    """
    if protocol.contrast is not Contrast.MT:
        return signal_row(protocol.contrast.value, signals)
    off = signal_row("mt_off", signals)
    if protocol.name == "mt_on":
        return off * (1 - signal_row("mtr_percent", signals) / 100)
    if protocol.name == "mt_t1w":
        return off * [
            steady_signal(t1_s, excitation("mt_t1w")) / steady_signal(t1_s, excitation("mt_off"))
            for t1_s in signal_row("t1_s", signals)
        ]
    return off


def _series(
    design: ExamDesign,
    anatomy: Anatomy,
    grid: Grid,
    signals: dict[Tissue, TissueSignal],
    fractions: NDArray[np.float64],
    progress: Progress,
) -> tuple[NDArray[np.float64], SeriesTruth]:
    """Return a diffusion series without noise and bias, volumes last, and what happened in it."""
    scheme, truth = design.series.scheme.table(), _series_truth(design, anatomy, grid)
    body = _body(anatomy, signals)
    if design.series.still:
        fibres = body.fibres_at(_centres(grid)).reshape(*grid.shape, 3)
        tissues = body.tissues
        clean = diffusion.tensor_signals(fractions, fibres, tissues.b0, tissues.fa, tissues.md, scheme)
    else:
        clean = moving.moved_signals(body, grid, cord_centres_mm(anatomy, grid), scheme, truth, progress)
    work = grid.reoriented("SAR")
    kept = np.broadcast_to(truth.kept.T[:, None, None, :], (*work.shape, len(scheme)))
    return clean * reorient_array(kept, work, grid.axis_codes)[0], truth


def _body(anatomy: Anatomy, signals: dict[Tissue, TissueSignal]) -> moving.Body:
    def fractions_at(grid: Grid) -> NDArray[np.float64]:
        return average_over_voxels(anatomy.tissues, grid, np.eye(N_TISSUES), SAMPLING)

    def fibres_at(points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        return anatomy.tangent(anatomy.curvilinear(points_mm)[0])

    tissues = moving.Diffusivity(*(signal_row(name, signals) for name in ("b0", "fa", "md")))
    return moving.Body(fractions_at, fibres_at, tissues)


def _series_truth(design: ExamDesign, anatomy: Anatomy, grid: Grid) -> SeriesTruth:
    """Return what happens during the diffusion series of a visit; it draws from its own stream."""
    series, scheme = design.series, design.series.scheme.table()
    volumes, slices = len(scheme), grid.reoriented("SAR").shape[0]
    random = np.random.Generator(np.random.PCG64([design.noise_seed, zlib.crc32(b"motion")]))
    motion = true_motion(series, volumes, slices, random)
    return SeriesTruth(
        motion,
        kept_signal(series, volumes, slices),
        moving.distortion_map_mm(grid, cord_centres_mm(anatomy, grid), series.distortion_mm),
        series.distortion_mm,
        moving.turned_back(scheme, motion.angles_deg.mean(axis=1), grid),
    )


def cord_centres_mm(anatomy: Anatomy, grid: Grid) -> NDArray[np.float64]:
    """Return where the centerline crosses each work-order slice of a grid, shape (n_slices, 3), RAS mm."""
    return anatomy.position(arc_of_slices(anatomy, grid))


def _texture(design: ExamDesign, anatomy: Anatomy, grid: Grid) -> NDArray[np.float64]:
    """Return a smooth pattern of unit variance fixed to the body: a sum of plane waves drawn from the identity."""
    random = np.random.Generator(np.random.PCG64([design.seed, 3]))
    place = np.stack(anatomy.curvilinear(_centres(grid)), axis=-1)
    total = np.zeros(len(place))
    for _ in range(TEXTURE_WAVES):
        direction = random.standard_normal(3)
        wave = 2 * np.pi * direction / np.linalg.norm(direction) / random.uniform(*TEXTURE_LENGTHS_MM)
        total += np.cos(place @ wave + random.uniform(0, 2 * np.pi))
    return (total * np.sqrt(2 / TEXTURE_WAVES)).reshape(grid.shape)


def _centres(grid: Grid) -> NDArray[np.float64]:
    """Return the RAS centres of all voxels, shape (n, 3), mm."""
    return grid.voxel_to_mm(index_rows(grid.shape))


def _truth(anatomy: Anatomy, grid: Grid, shares: NDArray[np.float64]) -> ScanTruth:
    """Return the truth of a scan from the shares of the cord and of each of its tissues."""
    cord, parts = shares[0].astype(np.float32), shares[1:].astype(np.float32)
    tracts = {tissue.name.lower(): part for tissue, part in zip(CORD_TISSUES, parts, strict=True)}
    return ScanTruth(
        cord, tracts.pop("grey_matter"), tracts, level_map(anatomy, cord, grid), slice_areas(anatomy, grid)
    )
