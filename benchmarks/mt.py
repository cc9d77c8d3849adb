"""MTR, MTsat and T1 against what is known: digital exams with noise and motion, and a real pair of scans.

Run ``python benchmarks/mt.py``; real scans are looked for in ``SPINALQ_SHARED`` (default ``../shared``).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.io.nifti import load_scan
from napari_spinalq.mt.maps import MtMaps, magnetisation_transfer
from napari_spinalq.mt.mtr import mtr
from napari_spinalq.mt.mtsat import mtsat
from napari_spinalq.mt.parameters import Excitation, MtParameters
from napari_spinalq.phantom import healthy_design, make_exam
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.phantom.sidecars import excitation
from napari_spinalq.phantom.tissue import SIGNALS, Tissue
from napari_spinalq.phantom.tract_truth import tract_truth
from napari_spinalq.phantom.truth import ScanTruth
from napari_spinalq.scan import Scan

ROOT = Path(__file__).parents[1]
PARAMETERS = MtParameters(*(excitation(name) for name in ("mt_on", "mt_off", "mt_t1w")))
PARTS = {
    "white matter": ("white_matter",),
    "lateral CST": ("lateral_cst_left", "lateral_cst_right"),
    "dorsal columns": ("dorsal_column_left", "dorsal_column_right"),
    "grey matter": ("grey_matter",),
}
PURE = 0.99
"""Share of a voxel that a tract must fill to be counted: partial volume is another matter than these maps."""

SNRS = (100.0, 50.0, 20.0)
"""Signal of white matter without the pulse over the noise of each channel."""

DRAWS, MOVED_DRAWS = 60, 6
"""Noise is drawn so many times: bias is told apart from the scatter of one scan."""

MOVED_MM = 1.2
"""How far the cord lies to posterior in the scans without the pulse: as between scans minutes apart."""

TARGETS = {None: (0.3, 2.0, 1.0), 100.0: (0.3, 2.0, 1.0), 50.0: (0.5, 3.0, 2.0), 20.0: (1.0, 5.0, 5.0)}
"""Largest bias by SNR: MTR (percentage points), MTsat (%), T1 (%)."""

TARGET_MOVED = (1.0, 5.0, 5.0)
TARGET_REAL_POINTS = 1.0
"""Median difference to the toolbox's MTR within the cord: it was made with another registration."""


@dataclass(frozen=True, eq=False)
class Case:
    """The clean scans of one digital person and what is known of them."""

    on: Scan
    off: Scan
    t1w: Scan
    truth: ScanTruth
    known: pd.DataFrame

    def noisy(self, snr: float | None, random: np.random.Generator) -> tuple[Scan, Scan, Scan]:
        """Return the three scans with Rician noise."""
        if snr is None:
            return self.on, self.off, self.t1w
        noise_sd = SIGNALS[Tissue.WHITE_MATTER].mt_off / snr
        scans = (self.on, self.off, self.t1w)
        on, off, t1w = (replace(one, data=add_rician_noise(one.data, noise_sd, random)) for one in scans)
        return on, off, t1w


def main() -> None:
    """Print all tables."""
    _digital()
    _formula()
    folder = Path(os.environ.get("SPINALQ_SHARED", ROOT.parent / "shared")) / "data" / "sct_testing" / "mt"
    if folder.is_dir():
        _real(folder)
    else:
        print(f"no real scans in {folder}; set SPINALQ_SHARED")


def _digital() -> None:
    heads = f"{'voxels':>7}{'MTR points':>16}{'MTsat %':>16}{'T1 %':>16}{'target (bias)':>20}"
    print(f"{'bias of the median (SD of one scan)':44}{heads}")
    still, moved = _case(0.0), _case(MOVED_MM)
    for snr in (None, *SNRS):
        name = "no noise" if snr is None else f"SNR {snr:.0f}"
        _rows(name, still, _errors(still, snr, 1 if snr is None else DRAWS, align=False), TARGETS[snr])
    for align, title in ((False, "not aligned"), (True, "aligned")):
        errors = _errors(moved, 50.0, MOVED_DRAWS, align=align)
        _rows(f"SNR 50, {MOVED_MM} mm, {title}", moved, errors, TARGET_MOVED if align else None)


def _case(moved_mm: float) -> Case:
    """Return a digital person whose cord lies farther back in the scans without the pulse."""
    design = replace(healthy_design(1), bias=0.0, noise=0.0)
    protocols = [one for one in PROTOCOLS if one.contrast == "mt"]
    still = make_exam(design, protocols=protocols, contrasts=("mt_on",))
    behind = [replace(one, anterior_mm=one.anterior_mm + moved_mm) for one in protocols]
    others = make_exam(design, protocols=behind, contrasts=("mt_off", "mt_t1w")).scans
    on = still.scans["mt_on"]
    off, t1w = (replace(others[name], grid=on.grid) for name in ("mt_off", "mt_t1w"))
    return Case(on, off, t1w, still.truth["mt_on"], tract_truth(design).set_index("tract"))


def _errors(case: Case, snr: float | None, draws: int, *, align: bool) -> NDArray[np.float64]:
    """Return the errors of every draw, part and measure, shape (draws, parts, 3)."""
    errors = []
    for seed in range(draws):
        scans = case.noisy(snr, np.random.default_rng(seed))
        maps = magnetisation_transfer(*scans, PARAMETERS, case.truth.cord_mask, align=align)
        errors.append([_error(maps, _pure(case, tracts), case.known.loc[tracts[0]]) for tracts in PARTS.values()])
    return np.array(errors)


def _rows(title: str, case: Case, errors: NDArray, targets: tuple[float, float, float] | None) -> None:
    wanted = "" if targets is None else "within " + ", ".join(f"{value:g}" for value in targets)
    for row, (part, tracts) in enumerate(PARTS.items()):
        cells = "".join(
            f"{f'{errors[:, row, k].mean():+.2f} ({errors[:, row, k].std():.2f})':>16}" for k in range(errors.shape[2])
        )
        name = title if row == 0 else ""
        print(f"{name:28}{part:16}{int(_pure(case, tracts).sum()):7d}{cells}{wanted:>20}")


def _pure(case: Case, tracts: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.sum([_share(case.truth, tract) for tract in tracts], axis=0) > PURE


def _share(truth: ScanTruth, tract: str) -> NDArray[np.float32]:
    return truth.grey_matter if tract == "grey_matter" else truth.tracts[tract]


def _error(maps: MtMaps, pure: NDArray[np.bool_], expected: pd.Series) -> tuple[float, float, float]:
    """Return the error of the median over pure voxels: MTR in points, MTsat and T1 in percent of the truth."""
    assert maps.mtsat is not None
    assert maps.t1 is not None
    ratio, saturation, t1_s = (float(np.nanmedian(values[pure])) for values in (maps.mtr, maps.mtsat, maps.t1))
    return (
        ratio - expected["mtr_percent"],
        100 * (saturation / expected["mtsat_pu"] - 1),
        100 * (t1_s / expected["t1_s"] - 1),
    )


def _formula() -> None:
    """Print what the formula of MTsat makes of one pulse, by when it is played out before the excitation."""
    print(f"\n{'one MT pulse that takes 4.6 %':34}{'MTsat, p.u.':>12}{'T1, s':>8}")
    t1_s, taken, on = 0.876, 0.046, PARAMETERS.on
    off, t1w = (_echo(one, t1_s, 0.0, 0.0) for one in (PARAMETERS.off, PARAMETERS.t1w))
    for share in (0.1, 0.3, 0.5, 1.0):
        signal = _echo(on, t1_s, taken, share * on.repetition_s)
        found = mtsat(*(np.array([value]) for value in (signal, off, t1w)), PARAMETERS, floor=0.0)
        when = f"{1e3 * share * on.repetition_s:.1f} ms before the excitation"
        print(f"{when:34}{found.mtsat[0]:12.2f}{found.t1_s[0]:8.3f}")


def _echo(excitation: Excitation, t1_s: float, taken: float, lead_s: float) -> float:
    """Return the steady state of a spoiled echo with one instantaneous pulse some time before the excitation."""
    flip, total = np.radians(excitation.flip_deg), np.exp(-excitation.repetition_s / t1_s)
    after = np.exp(-lead_s / t1_s)
    before = total / after
    along = (1 - after + after * (1 - taken) * (1 - before)) / (1 - (1 - taken) * np.cos(flip) * total)
    return float(np.sin(flip) * along)


def _real(folder: Path) -> None:
    on, off, cord = (load_scan(folder / f"{name}.nii.gz") for name in ("mt1", "mt0", "mt1_seg"))
    toolbox = np.asarray(nib.load(folder / "mtr.nii.gz").dataobj, dtype=np.float64)
    inside = cord.data > 0
    heads = f"{'median |d|':>11}{'largest':>9}{'mean':>7}{'SD':>6}{'target':>8}"
    print(f"\n{'real pair, MTR in the cord, points':46}{heads}")
    print(f"{'toolbox (registered, then 100 (off - on) / off)':57}{'':9}{_moments(toolbox[inside])}")
    # What the toolbox divided by follows from its map, so the formula can be compared without the registration.
    implied = on.data / (1 - np.where(np.isfinite(toolbox), toolbox, 0.0) / 100)
    known = np.isfinite(toolbox) & (implied > 0)
    exact = mtr(on.data, implied, floor=0.0)
    print(
        f"{'formula on the image the toolbox divided by':46}{_difference(exact[known], toolbox[known])}{'equal':>8}"
        "  whole image"
    )
    for align in (False, True):
        start = time.perf_counter()
        maps = magnetisation_transfer(on, off, cord_mask=cord.data, align=align)
        seconds = time.perf_counter() - start
        title = f"ours, {'aligned' if align else 'not aligned'} ({seconds:.2f} s)"
        target = f"{TARGET_REAL_POINTS:g}" if align else ""
        print(f"{title:46}{_difference(maps.mtr[inside], toolbox[inside])}{target:>8}")
        print("".join(f"    {flag}\n" for flag in maps.flags), end="")
    print(f"    infinite voxels in the toolbox's map: {np.isinf(toolbox).sum()}, in ours: {np.isinf(maps.mtr).sum()}")


def _difference(found: NDArray, reference: NDArray) -> str:
    away = np.abs(found - reference)
    return f"{np.median(away):11.4f}{away.max():9.4f}{_moments(found)}"


def _moments(values: NDArray) -> str:
    return f"{values.mean():7.1f}{values.std():6.1f}"


if __name__ == "__main__":
    main()
