"""From the scans of an MT protocol to maps of MTR, MTsat and T1, with what a reader must know about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import check_same_grid
from napari_spinalq.mt.align import align_pair
from napari_spinalq.mt.mtr import mtr
from napari_spinalq.mt.mtsat import MtSaturation, mtsat
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.progress import Progress, portion, silent
from napari_spinalq.scan import Scan

FAR_MM = 3.0
"""A cord that lies farther away in the other scan, mm, has moved by more than motion between two scans usually does."""

USUAL_MTR_PERCENT = (15.0, 65.0)
"""The mean of healthy cords is 47 % over 40 scanners of one protocol at 3 T (Cohen-Adad et al. 2021, Sci Data,
doi:10.1038/s41597-021-00941-8), other protocols lie around 30 %; outside of this wider range a wrong scan is more
likely than a cord that is so."""

NO_SETTINGS = "MTsat and T1 were not computed: flip angles and repetition times are not known"

NO_T1W = "MTsat and T1 were not computed: the exam holds no T1-weighted scan of the MT protocol"


@dataclass(frozen=True, eq=False)
class MtMaps:
    """Maps on the grid of the scan with the MT pulse, in the axis order of its file.

    Attributes
    ----------
    mtr : array of float32
        Magnetisation transfer ratio, percent; NaN where there is no signal.
    mtsat, t1 : array of float32, optional
        MTsat in percent units (p.u.) and T1 in s; None without a T1-weighted scan and its settings.
    flags : tuple of str
        What a reader must know.
    motions : dict of name to Motion
        How the cord of ``"off"`` and ``"t1w"`` lay against that of the scan with the pulse; empty if not aligned.
    images : dict of name to array
        ``"off"`` and ``"t1w"`` on the grid of the scan with the pulse.
    """

    mtr: NDArray[np.float32]
    mtsat: NDArray[np.float32] | None
    t1: NDArray[np.float32] | None
    flags: tuple[str, ...]
    motions: dict[str, Motion]
    images: dict[str, NDArray]


def magnetisation_transfer(
    on: Scan,
    off: Scan,
    t1w: Scan | None = None,
    parameters: MtParameters | None = None,
    cord_mask: NDArray | None = None,
    *,
    align: bool = True,
    floor: float | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> MtMaps:
    """Return MTR and, where the T1-weighted scan and the settings are given, MTsat and T1.

    Parameters
    ----------
    on, off : Scan
        3-D, with and without the MT pulse.
    t1w : Scan, optional
        T1-weighted scan of the same protocol, without the pulse.
    parameters : MtParameters, optional
        Flip angles and repetition times.
    cord_mask : array, shape ``on.grid.shape``, optional
        Cord in the scan with the pulse, above 0.5; without it neither swapped scans nor odd values are noticed.
    align : bool
        Whether ``off`` and ``t1w`` are brought onto ``on`` slice by slice first; if not, all must share one grid.
    floor : float, optional
        Signal without the pulse that counts as none; see :func:`~napari_spinalq.mt.mtr.mtr`.
    threads : int, optional
        For the alignment; as many as there are processors by default.
    progress : Progress
        Told where the work stands.

    Raises
    ------
    InputError
        If a scan is a series, does not cover the cord, lies on another grid and is not to be aligned, or if the scans
        seem to be swapped.
    """
    others = {"off": off} | ({} if t1w is None else {"t1w": t1w})
    _check(on, others, align)
    images, motions = {}, {}
    for index, (name, scan) in enumerate(others.items()):
        step = portion(progress, 0.9 * index / len(others), 0.9 * (index + 1) / len(others))
        if align:
            scan, motions[name] = align_pair(on, scan, cord_mask, threads=threads, progress=step)
        images[name] = np.asarray(scan.data)
    ratio = mtr(on.data, images["off"], mask=cord_mask, floor=floor)
    saturation = None
    if "t1w" in images and parameters is not None:
        saturation = mtsat(on.data, images["off"], images["t1w"], parameters, mask=cord_mask, floor=floor)
    flags = [*_protocol_flags(t1w, parameters), *_motion_flags(motions), *_value_flags(ratio, saturation, cord_mask)]
    progress(1.0, "magnetisation transfer computed")
    if saturation is None:
        return MtMaps(ratio, None, None, tuple(flags), motions, images)
    return MtMaps(ratio, saturation.mtsat, saturation.t1_s, tuple(flags), motions, images)


def single_volume(scan: Scan) -> Scan:
    """Return an MT image as a 3-D scan.

    Raises
    ------
    InputError
        If it holds several volumes: the mean of echoes, or of images with and without the pulse, has no MTR.
    """
    if scan.volumes > 1:
        raise InputError(
            f"{scan.name} holds {scan.volumes} volumes; MT images are single volumes: take one echo, or the mean of "
            "repetitions."
        )
    return scan.mean_volume()


def _check(on: Scan, others: dict[str, Scan], align: bool) -> None:
    for scan in (on, *others.values()):
        single_volume(scan)
        if scan is not on and not align:
            check_same_grid(scan.grid, on.grid, scan.name)


def _protocol_flags(t1w: Scan | None, parameters: MtParameters | None) -> list[str]:
    flags = []
    if t1w is None:
        flags.append(NO_T1W)
    elif parameters is None:
        flags.append(NO_SETTINGS)
    if parameters is not None and parameters.on != parameters.off:
        flags.append(
            "the scans with and without the MT pulse have different flip angles or repetition times: "
            "MTR is not that of the pulse alone"
        )
    return flags


def _motion_flags(motions: dict[str, Motion]) -> list[str]:
    """Say where the cord lies far away in the other scan: there the alignment is to be looked at."""
    titles = {"off": "scan without the MT pulse", "t1w": "T1-weighted scan"}
    flags = []
    for name, motion in motions.items():
        farthest = float(np.linalg.norm(motion.shifts_mm, axis=-1).max())
        if farthest > FAR_MM:
            flags.append(f"the cord of the {titles[name]} lay up to {farthest:.1f} mm away: check how both overlap")
    return flags


def _value_flags(ratio: NDArray[np.float32], saturation: MtSaturation | None, mask: NDArray | None) -> list[str]:
    if mask is None:
        return []
    cord = np.asarray(mask) > 0.5
    inside = ratio[cord]
    flags = _share_flag("MTR is negative", inside < 0) + _share_flag("MTR is not known", np.isnan(inside))
    if saturation is not None:
        unknown = np.isnan(saturation.mtsat[cord]) & ~np.isnan(inside)
        flags += _share_flag("MTsat and T1 are not known", unknown)
    middle = float(np.nanmedian(inside)) if np.isfinite(inside).any() else float("nan")
    low, high = USUAL_MTR_PERCENT
    if not low <= middle <= high:
        flags.append(f"the median MTR of the cord, {middle:.0f} %, is unusual ({low:g} to {high:g} %): check the scans")
    return flags


def _share_flag(what: str, where: NDArray[np.bool_]) -> list[str]:
    count = int(np.count_nonzero(where))
    return [f"{what} in {count} of {where.size} voxels of the cord"] if count else []
