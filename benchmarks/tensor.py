"""The tensor fit: time and memory within the cord beside plain dipy on the whole volume, and bias of each method.

Run ``python benchmarks/tensor.py``. The series is simulated: 96 x 36 x 15 voxels of 1 x 1 x 5 mm and 35 volumes with
a cord, CSF and muscle of the phantom's tissue figures, signals in closed form, Rician noise. Each timing is a process
of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc

import numpy as np
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel
from numpy.typing import NDArray

from napari_spinalq.diffusion.dipy_fit import DIPY_METHOD, DipyTensor
from napari_spinalq.diffusion.tensor import FitMethod, fit_tensor, mask_dilated
from napari_spinalq.diffusion.tensor_noise import residual_noise_sd
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable
from napari_spinalq.phantom.diffusion import default_scheme, tensor_signals
from napari_spinalq.phantom.tissue import SIGNALS, Tissue
from napari_spinalq.progress import silent

SHAPE = (96, 36, 15)
MARGIN_MM = 5.0
"""How far the mask reaches beyond the cord: CSF and more, as registration and extraction want it."""

CORD_RADII_MM, CSF_RADII_MM, GREY_RADII_MM = (6.5, 4.2), (9.5, 7.5), (3.2, 1.6)
"""Left-right and front-back half axes."""

TISSUES = (Tissue.GREY_MATTER, Tissue.WHITE_MATTER, Tissue.CSF, Tissue.MUSCLE)
TARGET_RATIO, TARGET_DIFFERENCE, TARGET_GB = 5.0, 1e-6, 1.0
REPEATS = 5
VOXELS = 4000
OUTLIER_SHARE, OUTLIER_FACTOR = 0.05, 0.3
"""One weighted signal in twenty drops to 30 %, as when the pulse moves the cord during the gradients."""


def main() -> None:
    """Print time and memory, then bias."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", help="used by the benchmark itself: what one process shall time")
    part = parser.parse_args().part
    if part:
        print(json.dumps(_timed(part)))
        return
    _speed()
    _bias()


def series(snr: float = 20.0) -> tuple[NDArray[np.float32], NDArray[np.bool_], Grid, GradientTable]:
    """Return a simulated series, its cord, its grid and its scheme."""
    scheme, grid = default_scheme(), Grid(SHAPE, np.diag([-1.0, 1.0, 5.0, 1.0]))
    i, j, _ = np.indices(SHAPE)
    grey, cord, canal = (
        ((i - 47.5) / across) ** 2 + ((j - 17.5) / deep) ** 2 <= 1
        for across, deep in (GREY_RADII_MM, CORD_RADII_MM, CSF_RADII_MM)
    )
    shares = np.stack([grey, cord & ~grey, canal & ~cord, ~canal]).astype(float)
    b0, fa, md = (np.array([getattr(SIGNALS[tissue], name) for tissue in TISSUES]) for name in ("b0", "fa", "md"))
    clean = tensor_signals(shares, np.broadcast_to([0.0, 0.0, 1.0], (*SHAPE, 3)), b0, fa, md, scheme)
    noise = np.random.default_rng(1).normal(0, b0[1] / snr, (2, *clean.shape))
    return np.hypot(clean + noise[0], noise[1]).astype(np.float32), cord, grid, scheme


def _timed(part: str) -> dict[str, float]:
    """Return median seconds, peak memory of the process (GB), and how much the fit held at most (MB)."""
    data, cord, grid, scheme = series()
    mask = mask_dilated(cord, grid, MARGIN_MM)

    def fit() -> None:
        if part == "whole":
            _plain_dipy(data, scheme, FitMethod.WLS)
        else:
            method, threads = part.split("-")
            fit_tensor(data, scheme, mask, grid=grid, method=FitMethod(method), threads=int(threads), cord=cord)

    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        fit()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    fit()
    of_fit = tracemalloc.get_traced_memory()[1]
    return {"seconds": float(np.median(seconds)), "peak_gb": peak / 1e6, "fit_mb": of_fit / 1e6}


def _plain_dipy(data: NDArray, scheme: GradientTable, method: FitMethod, **options: float):
    """Fit all voxels as dipy's documentation shows, and take the four maps."""
    table = gradient_table(scheme.b_values, bvecs=scheme.directions, b0_threshold=scheme.b0_threshold)
    fit = TensorModel(table, fit_method=DIPY_METHOD[method], **options).fit(data)
    return fit.fa, fit.md, fit.ad, fit.rd, fit.evecs[..., 0]


def _speed() -> None:
    data, cord, grid, scheme = series()
    mask = mask_dilated(cord, grid, MARGIN_MM)
    print(f"{' x '.join(map(str, data.shape))}; cord {cord.sum()} voxels, with {MARGIN_MM:g} mm margin {mask.sum()}")
    whole = _process("whole")
    print(f"{'':36}{'s':>8}{'peak GB':>9}{'fit MB':>11}{'times faster':>14}{'target':>8}")
    _row("plain dipy, WLS, whole volume", whole, None)
    for part in ("wls-1", "wls-2", "ols-1", "robust-1", "restore-1"):
        method, threads = part.split("-")
        label = f"cord with margin, {method}, {threads} thread{'s' if threads != '1' else ''}"
        _row(label, _process(part), whole["seconds"] if method == "wls" else None)
    print(f"{'target: peak of the whole chain':36}{'':8}{TARGET_GB:9.2f}")
    worst = max(_difference(data, mask, grid, scheme, method) for method in FitMethod)
    print(f"largest difference from dipy, all methods and maps: {worst:.1e}   target {TARGET_DIFFERENCE:.0e}\n")


def _row(label: str, figures: dict[str, float], reference_s: float | None) -> None:
    faster = "" if reference_s is None else f"{reference_s / figures['seconds']:14.1f}{TARGET_RATIO:>8.0f}"
    print(f"{label:36}{figures['seconds']:8.3f}{figures['peak_gb']:9.2f}{figures['fit_mb']:11.1f}{faster}")


def _process(part: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--part", part]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout)


def _difference(data: NDArray, mask: NDArray[np.bool_], grid: Grid, scheme: GradientTable, method: FitMethod) -> float:
    """Return the largest difference of any map from dipy's on the same voxels (directions: 1 - |cosine|)."""
    options = {"sigma": 13.5} if method is FitMethod.RESTORE else {}
    ours = fit_tensor(data, scheme, mask, grid=grid, method=method, noise_sd=13.5)
    fa, md, ad, rd, first = _plain_dipy(data[mask].astype(float), scheme, method, **options)
    pairs = ((ours.fa, fa), (ours.md, 1e3 * md), (ours.ad, 1e3 * ad), (ours.rd, 1e3 * rd))
    turned = 1 - np.abs((ours.direction[mask] * first).sum(axis=-1))
    return float(max(*(np.abs(mine[mask] - theirs).max() for mine, theirs in pairs), turned.max()))


def _bias() -> None:
    """Print mean error of FA and MD in white matter, and the spread over voxels."""
    tissue = SIGNALS[Tissue.WHITE_MATTER]
    print(f"white matter, FA {tissue.fa:g}, MD {tissue.md:g}: mean error (SD over voxels); MD in %")
    print(f"{'':24}{'SNR':>4}" + "".join(f"{f'{method.value} FA':>20}{'MD %':>16}" for method in FitMethod))
    for spoiled, label in (
        (None, "no outliers"),
        ("signals", "5 % of signals at 30 %"),
        ("volumes", "2 volumes at 30 %"),
    ):
        for snr in (10, 20, 40):
            cells = [_errors(method, snr, spoiled) for method in FitMethod]
            print(f"{label:24}{snr:4d}" + "".join(cells))


def _errors(method: FitMethod, snr: float, spoiled: str | None) -> str:
    tissue, scheme, random = SIGNALS[Tissue.WHITE_MATTER], default_scheme(), np.random.default_rng(2)
    fibres = np.tile([0.05, 0.1, 1.0], (VOXELS, 1))
    fibres /= np.linalg.norm(fibres, axis=1, keepdims=True)
    b0, fa, md = (np.array([getattr(tissue, name)]) for name in ("b0", "fa", "md"))
    clean = tensor_signals(np.ones((1, VOXELS)), fibres, b0, fa, md, scheme)
    if spoiled == "signals":
        drop = random.uniform(size=clean.shape) < OUTLIER_SHARE
        clean = np.where(drop & ~scheme.unweighted, clean * OUTLIER_FACTOR, clean)
    if spoiled == "volumes":
        clean[:, [12, 25]] *= OUTLIER_FACTOR
    noise = random.normal(0, b0[0] / snr, (2, *clean.shape))
    signals = np.hypot(clean + noise[0], noise[1])
    sigma = residual_noise_sd(signals, DipyTensor(scheme, FitMethod.ROBUST).fit(signals, 1, silent).predicted)
    values = 1e3 * DipyTensor(scheme, method, sigma).fit(signals, 1, silent).eigenvalues
    mean = values.mean(axis=1)
    found = np.sqrt(1.5 * ((values - mean[:, None]) ** 2).sum(1) / (values**2).sum(1))
    error = 100 * (mean / tissue.md - 1)
    return (
        f"{f'{found.mean() - tissue.fa:+.3f} ({found.std():.3f})':>20}{f'{error.mean():+.1f} ({error.std():.1f})':>16}"
    )


if __name__ == "__main__":
    main()
