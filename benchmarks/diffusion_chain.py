"""Time and memory of the whole diffusion chain on a usual series, beside their targets.

Run ``python benchmarks/diffusion_chain.py``: a digital series of 96 x 36 x 15 voxels and 35 volumes with motion, in a
process of its own that may use two processors. Prints the time of each step, the peak memory, and how far FA and MD of
the lateral corticospinal tracts lie from what was given to them.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

PROCESSORS = 2
BLAS_THREADS = 1
"""The matrices are small: threads within them wait for each other longer than they work, most of all on a busy machine.
The chain has threads of its own."""

TARGET_SECONDS, TARGET_GIGABYTES = 30.0, 1.0
TARGET_FA, TARGET_MD_PERCENT = 0.02, 3.0
SERIES = (96, 36, 15)
JITTER_MM, DRIFT_MM, SNR = 0.3, 0.8, 20.0
"""Motion from volume to volume and over the series (mm), and SNR of white matter without weighting."""


def main() -> None:
    """Measure in a fresh process, so that making the series does not count for its memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", metavar="FILE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        _measure(arguments.measure)
        return
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = _series(folder)
        environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(BLAS_THREADS))}
        subprocess.run([sys.executable, __file__, "--measure", path], check=True, env=environment)


def _series(folder: str) -> str:
    """Make the series and its exam, and return where it lies."""
    import pickle
    from dataclasses import replace
    from pathlib import Path

    from napari_spinalq.phantom import healthy_design, make_exam
    from napari_spinalq.phantom.protocol import DWI_LONG, PROTOCOLS
    from napari_spinalq.phantom.series import SeriesDesign

    dwi = replace(DWI_LONG, name="dwi", suffix="dwi", shape=SERIES)
    protocols = [dwi, *(one for one in PROTOCOLS if one.name == "t2star")]
    series = SeriesDesign(drift_mm=DRIFT_MM, jitter_mm=JITTER_MM, snr=SNR)
    exam = make_exam(replace(healthy_design(1), series=series), contrasts=["dwi", "t2star"], protocols=protocols)
    path = Path(folder) / "exam.pickle"
    path.write_bytes(pickle.dumps(exam))
    return str(path)


def _measure(path: str) -> None:
    """Run the chain and print what it took."""
    import pickle
    from pathlib import Path

    from napari_spinalq.levels.discs import Disc, Labelling
    from napari_spinalq.microstructure.diffusion import analyze_diffusion
    from napari_spinalq.microstructure.options import MapOptions
    from napari_spinalq.pipeline import measure_scan
    from napari_spinalq.results import DrawnStructure

    _use(PROCESSORS)
    exam = pickle.loads(Path(path).read_bytes())
    discs = Labelling(tuple(Disc(int(d.number), (d.x_mm, d.y_mm, d.z_mm)) for d in exam.discs.itertuples()), True)
    truth = exam.truth["t2star"]
    grey = (DrawnStructure("gm", truth.grey_matter),)
    anatomical = measure_scan(exam.scans["t2star"], truth.cord, discs, drawn=grey)
    steps: list[tuple[float, str]] = []
    start = time.perf_counter()
    result = analyze_diffusion(
        exam.scans["dwi"],
        exam.gradients,
        labelling=discs,
        anatomical=anatomical,
        options=MapOptions(threads=PROCESSORS),
        progress=lambda share, phrase: steps.append((time.perf_counter(), phrase)),
    )
    total = time.perf_counter() - start
    _print_steps(start, steps)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{'whole chain':44}{total:8.2f} s   (target < {TARGET_SECONDS:g} s on {PROCESSORS} processors)")
    print(f"{'peak memory':44}{peak:8.2f} GB  (target < {TARGET_GIGABYTES:g} GB)")
    _print_accuracy(result)


def _use(processors: int) -> None:
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:processors])


def _print_steps(start: float, steps: list[tuple[float, str]]) -> None:
    """Print how long each phrase of the progress stood; the time up to a call belongs to the phrase before it."""
    took: dict[str, float] = {}
    before, phrase = start, "reading"
    for now, told in steps:
        took[phrase] = took.get(phrase, 0.0) + now - before
        before, phrase = now, told
    for phrase, seconds in took.items():
        print(f"  {phrase:42}{seconds:8.2f} s")


def _print_accuracy(result: object) -> None:
    import numpy as np

    from napari_spinalq.phantom.tissue import SIGNALS, Tissue

    truth = SIGNALS[Tissue.LATERAL_CST_LEFT]
    for metric, known in (("fa", truth.fa), ("md", truth.md)):
        values = [
            one.value
            for one in result.values  # type: ignore[attr-defined]
            if one.structure.startswith("lateral_cst_") and one.metric == metric and np.isfinite(one.value)
        ]
        bias = float(np.mean(values)) - known
        told = (
            f"{bias:+.3f}     (target within {TARGET_FA:g})"
            if metric == "fa"
            else (f"{100 * bias / known:+.1f} %     (target within {TARGET_MD_PERCENT:g} %)")
        )
        print(f"lateral CST, {len(values)} levels and sides, {metric.upper()} bias {told:>30}")


if __name__ == "__main__":
    main()
