"""Diffusion values per tract on digital cords whose values are known, with and without partial-volume handling.

Run ``python benchmarks/tract_values.py``; ``--draws 3`` for a quick look. SNR is the signal of white matter without
weighting over the standard deviation of the noise in each channel. Errors are measured minus true, over both sides,
levels C3 to C6, noise draws and two people (one healthy, one with lower FA in the corticospinal tracts); refused values
do not count. The worst is the largest mean error of a tract at one level.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.diffusion.tensor import fit_tensor
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.phantom import diffusion
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.design import ExamDesign, als_like_design, healthy_design
from napari_spinalq.phantom.make import SAMPLING, changed_signals
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, N_TISSUES, Tissue, signal_row
from napari_spinalq.phantom.truth import level_map
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.edge import fit_atlas_to_series
from napari_spinalq.tracts.extract import extract
from napari_spinalq.tracts.fit import fit_atlas
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.tracts.signals import Reading, extract_diffusion
from napari_spinalq.tracts.values import Method, TractValue

PROTOCOLS_MM = {(1.0, 1.0, 5.0): (20.0, 10.0, 40.0), (0.9, 0.9, 5.0): (20.0,)}
"""SNRs by voxel size, right-left, anterior-posterior, superior-inferior."""

TARGET_FA, TARGET_MD_PERCENT = 0.02, 3.0
SUBJECTS = {"healthy": healthy_design(1), "als-like": als_like_design(2)}
STRUCTURES = ("lateral_cst_left", "lateral_cst_right", "dorsal_columns", "grey_matter")
TISSUE_OF = {
    "lateral_cst_left": Tissue.LATERAL_CST_LEFT,
    "lateral_cst_right": Tissue.LATERAL_CST_RIGHT,
    "dorsal_columns": Tissue.DORSAL_COLUMN_LEFT,
    "grey_matter": Tissue.GREY_MATTER,
}
WAYS = (
    ("no handling: maps, binary", "map", Method.BIN),
    ("no handling: maps, weighted average", "map", Method.WA),
    ("maps, maximum a posteriori", "map", Method.MAP),
    ("signals, weighted average", "signal", Method.WA),
    ("signals, m. a posteriori, floor left", "floor", Method.MAP),
    ("signals, maximum likelihood", "signal", Method.ML),
    ("signals, maximum a posteriori", "signal", Method.MAP),
)
INTERVAL_DRAWS = 100


@dataclass(frozen=True, eq=False)
class Cord:
    """A digital cord in diffusion: signals without noise, shares of tissues, and what is true."""

    grid: Grid
    shares: NDArray[np.float64]
    signals: NDArray[np.float64]
    slice_levels: NDArray[np.int_]
    fa: NDArray[np.float64]
    md: NDArray[np.float64]
    b0: float


def make_cord(design: ExamDesign, spacing_mm: tuple[float, float, float]) -> Cord:
    """Integrate the anatomy over the voxels and mix the signals of its tissues, without bias and noise."""
    protocol = next(one for one in PROTOCOLS if one.name == "dwi")
    shape = tuple(
        round(n * old / new) for n, old, new in zip(protocol.shape, protocol.spacing_mm, spacing_mm, strict=True)
    )
    anatomy = design.anatomy()
    grid = scan_grid(replace(protocol, spacing_mm=spacing_mm, shape=shape), anatomy)
    shares = average_over_voxels(anatomy.tissues, grid, np.eye(N_TISSUES), SAMPLING)
    places = grid.voxel_to_mm(np.moveaxis(np.indices(grid.shape), 0, -1).reshape(-1, 3))
    fibres = anatomy.tangent(anatomy.curvilinear(places)[0]).reshape(*grid.shape, 3)
    signals = changed_signals(design)
    b0, fa, md = (signal_row(name, signals) for name in ("b0", "fa", "md"))
    series = diffusion.tensor_signals(shares, fibres, b0, fa, md, diffusion.default_scheme())
    levels = to_work_order(level_map(anatomy, shares[list(CORD_TISSUES)].sum(axis=0), grid), grid)[0]
    slice_levels = np.array([np.bincount(one[one > 0]).argmax() if one.any() else 0 for one in levels])
    return Cord(grid, shares, series, slice_levels, fa, md, float(b0[Tissue.WHITE_MATTER]))


def true_parts(cord: Cord) -> TractMaps:
    """Return the true shares of the tissues of the cord and of CSF as an atlas."""
    parts = (*(one for one in CORD_TISSUES if one is not Tissue.GREY_MATTER), Tissue.GREY_MATTER, Tissue.CSF)
    kinds = {Tissue.GREY_MATTER: TractTissue.GM, Tissue.CSF: TractTissue.CSF}
    tracts = tuple(
        Tract(one.name.lower(), one.name.lower(), Side.BOTH, kinds.get(one, TractTissue.WM)) for one in parts
    )
    columns = TractGroup("dorsal_columns", "", Side.BOTH, ("dorsal_column_left", "dorsal_column_right"))
    return TractMaps(tracts, (columns,), cord.shares[list(parts)].astype(np.float32), "truth")


def on_true_outline(cord: Cord, series: NDArray) -> TractMaps:
    """Return the built-in atlas on the true shares of the cord."""
    outline = np.clip(cord.shares[list(CORD_TISSUES)].sum(axis=0), 0, 1).astype(np.float32)
    return fit_atlas(builtin_atlas(), outline, cord.slice_levels, cord.grid)


def found_mask(cord: Cord, series: NDArray) -> NDArray[np.uint8]:
    """Return the cord as it is found automatically in the mean of the series, inside or outside."""
    return segment_cord(Scan(series.astype(np.float32), cord.grid, Contrast.DWI)).mask


def on_found_mask(cord: Cord, series: NDArray) -> TractMaps:
    """Return the built-in atlas on the mask that was found."""
    return fit_atlas(builtin_atlas(), found_mask(cord, series).astype(np.float32), cord.slice_levels, cord.grid)


def on_measured_edge(cord: Cord, series: NDArray) -> TractMaps:
    """Return the built-in atlas on the mask that was found, its edge measured in the series."""
    mask = found_mask(cord, series).astype(np.float32)
    return fit_atlas_to_series(builtin_atlas(), mask, series, slice_levels=cord.slice_levels, grid=cord.grid)


LAYS: dict[str, Lay] = {
    "true shares": lambda cord, series: true_parts(cord),
    "built-in atlas on the true outline": on_true_outline,
    "built-in atlas on the mask that is found": on_found_mask,
    "built-in atlas on the mask that is found, edge measured": on_measured_edge,
}


def values_of(cord: Cord, tracts: TractMaps, series: NDArray, way: str, method: Method) -> list[TractValue]:
    """Return FA and MD of the structures by one way."""
    common = {"slice_levels": cord.slice_levels, "grid": cord.grid, "structures": STRUCTURES, "method": method}
    scheme = diffusion.default_scheme()
    if way != "map":
        noise_sd = 0.0 if way == "floor" else None
        reading = Reading(**common, draws=INTERVAL_DRAWS)
        return list(extract_diffusion(series, scheme, tracts, reading, metrics=("fa", "md"), noise_sd=noise_sd))
    fit = fit_tensor(series, scheme, tracts.fractions.sum(axis=0) > 0, grid=cord.grid)
    units = (("fa", fit.fa, ""), ("md", fit.md, "1e-3 mm2/s"))
    return [one for name, data, unit in units for one in extract(data, tracts, metric=name, unit=unit, **common)]


Errors = dict[tuple[str, str, str, int], list[tuple[float, bool]]]
"""Errors and whether the interval held the truth, by subject, structure, metric, level."""

Lay = Callable[[Cord, NDArray], TractMaps]
"""Lays an atlas over a cord, given its series."""


def collect(cords: dict[str, Cord], lay: Lay, snr: float, draws: int) -> dict[str, Errors]:
    """Return the errors of each way over noise draws: FA as it is, MD in percent."""
    errors: dict[str, Errors] = {name: defaultdict(list) for name, _, _ in WAYS}
    for subject, cord in cords.items():
        for draw in range(draws):
            series = add_rician_noise(cord.signals, cord.b0 / snr, np.random.default_rng([draw, int(snr)]))
            tracts = lay(cord, series)
            for name, way, method in WAYS:
                for one in values_of(cord, tracts, series, way, method):
                    if np.isnan(one.value):  # refused: a level of which the field of view holds too little
                        continue
                    truth = float(getattr(cord, one.metric)[TISSUE_OF[one.structure]])
                    scale = 100 / truth if one.metric == "md" else 1.0
                    held = one.low <= truth <= one.high
                    errors[name][subject, one.structure, one.metric, one.level].append(
                        ((one.value - truth) * scale, held)
                    )
    return errors


def report(errors: Errors, structures: tuple[str, ...], metric: str) -> tuple[float, float, float, float]:
    """Return mean error, largest mean error of a tract at a level, its scatter, and coverage in percent."""
    chosen = {key: value for key, value in errors.items() if key[1] in structures and key[2] == metric}
    means = np.array([np.mean([error for error, _ in value]) for value in chosen.values()])
    scatter = np.sqrt(np.mean([np.var([error for error, _ in value]) for value in chosen.values()]))
    held = [one for value in chosen.values() for _, one in value]
    return float(means.mean()), float(means[np.abs(means).argmax()]), float(scatter), 100 * float(np.mean(held))


def main() -> None:
    """Print one row a way for each voxel size, SNR and way to lay the atlas."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10, help="noise draws")
    parser.add_argument("--lay", default="", help="only ways to lay the atlas whose name holds this, such as 'edge'")
    arguments = parser.parse_args()
    for spacing, snrs in PROTOCOLS_MM.items():
        cords = {name: make_cord(design, spacing) for name, design in SUBJECTS.items()}
        for title, lay in LAYS.items():
            for snr in snrs if arguments.lay in title else ():
                print(f"\n{spacing[0]:g} x {spacing[2]:g} mm, {title}, SNR {snr:g}, {arguments.draws} draws")
                _print_block(collect(cords, lay, snr, arguments.draws))


def _print_block(errors: dict[str, Errors]) -> None:
    target = f"lateral CST (targets {TARGET_FA}, {TARGET_MD_PERCENT:g} %)"
    print(f"{'':36}" + "".join(f"{name:>36}" for name in (target, "dorsal columns", "grey matter")))
    print(f"{'':36}" + f"{'FA err  worst    sd  MD% err  worst':>36}" * 3 + "  CST interval holds FA, MD %")
    for name, found in errors.items():
        row = f"{name:36}"
        for structures in (STRUCTURES[:2], STRUCTURES[2:3], STRUCTURES[3:]):
            fa, md = report(found, structures, "fa"), report(found, structures, "md")
            row += f"{fa[0]:+8.3f}{fa[1]:+7.3f}{fa[2]:6.3f}{md[0]:+8.1f}{md[1]:+7.1f}"
        fa, md = report(found, STRUCTURES[:2], "fa"), report(found, STRUCTURES[:2], "md")
        print(row + f"{fa[3]:16.0f}{md[3]:6.0f}", flush=True)


if __name__ == "__main__":
    main()
