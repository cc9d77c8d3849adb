"""Values per tract of a real MTR map against those of Spinal Cord Toolbox, and who is right where they differ.

Run ``python benchmarks/tract_agreement.py``; real scans and the toolbox's tables are looked for in ``SPINALQ_SHARED``
(default ``../shared``). First: MTR per tract with the toolbox's own warped atlas. The toolbox merges the parts of a
group into one before it unmixes; here a group is the mean of its unmixed parts by volume. Second: the same atlas with
known values, which differ from tract to tract, shows what either choice does to a group.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.tracts.extract import extract
from napari_spinalq.tracts.folder import read_warped_atlas
from napari_spinalq.tracts.maps import Side, Tract, TractMaps, TractTissue
from napari_spinalq.tracts.unmixing import tissue_means
from napari_spinalq.tracts.values import Method

ROOT = Path(__file__).parents[1]
NAMES = {
    "WM left lateral corticospinal tract": "lateral_cst_left",
    "WM right lateral corticospinal tract": "lateral_cst_right",
    "spinal cord": "cord",
    "white matter": "white_matter",
    "gray matter": "grey_matter",
    "dorsal columns": "dorsal_columns",
}
"""Labels of the toolbox and keys of the structures."""

TARGET_PERCENT = {Method.WA: 1.0, Method.BIN: 1.0, Method.ML: 3.0, Method.MAP: 3.0}
SLICE_LEVELS = (0, 5, 4, 0, 0)
"""The atlas covers two slices: C5 and C4."""

PRIOR_RATIO = 1.0
"""Noise variance over prior variance with which the tables of maximum a posteriori are met."""

TISSUE_MTR = {TractTissue.WM: 45.0, TractTissue.GM: 40.0, TractTissue.CSF: 4.0}
TRACT_SPREAD, NOISE_SD, DRAWS = 0.15, 5.0, 200


def main() -> None:
    """Print both comparisons."""
    shared = Path(os.environ.get("SPINALQ_SHARED", ROOT.parent / "shared"))
    folder = shared / "data" / "sct_testing" / "mt"
    if not folder.is_dir():
        print(f"no real scans in {folder}; set SPINALQ_SHARED")
        return
    scan = load_scan(folder / "mtr.nii.gz", allow_missing=True)
    tracts = read_warped_atlas(folder / "label" / "atlas", scan.grid)
    _against_reference(np.asarray(scan.data), tracts, scan.grid, shared / "reference" / "sct")
    _against_truth(tracts, scan.grid)


def merged(tracts: TractMaps, key: str) -> TractMaps:
    """Return the atlas with the parts of a group as one part."""
    inside = tracts.index(key)
    outside = [number for number in range(len(tracts.tracts)) if number not in inside]
    one = Tract(key, key, Side.BOTH, tracts.tracts[inside[0]].tissue)
    fractions = np.concatenate([tracts.fraction(key)[None], tracts.fractions[outside]])
    return TractMaps((one, *(tracts.tracts[number] for number in outside)), (), fractions, tracts.atlas)


def value_of(data: NDArray, tracts: TractMaps, grid: Grid, key: str, method: Method, *, merge: bool = False) -> float:
    """Return the value of one structure in both slices together."""
    atlas = merged(tracts, key) if merge else tracts
    common = {"metric": "mtr", "unit": "%", "slice_levels": SLICE_LEVELS, "grid": grid, "per": "all"}
    return extract(data, atlas, structures=[key], method=method, **common)[0].value


def as_toolbox(data: NDArray, tracts: TractMaps, key: str, method: Method) -> float:
    """Return the value by the toolbox's choices: group merged first, every voxel with a share, one fixed prior."""
    atlas = merged(tracts, key)
    used = np.isfinite(data) & (atlas.fractions.sum(axis=0) > 0)
    shares, values = atlas.fractions[:, used].T.astype(float), data[used].astype(float)
    if method is Method.ML:
        return float(np.linalg.lstsq(shares, values, rcond=None)[0][0])
    kinds = [one.tissue for one in atlas.tracts]
    means = tissue_means(tracts.fractions[:, used].T.astype(float), values, tuple(one.tissue for one in tracts.tracts))
    of_kind = {one.tissue: mean for one, mean in zip(tracts.tracts, means, strict=True)}
    prior = np.array([of_kind[kind] for kind in kinds])
    prior[0] = means[list(tracts.index(key))].mean()
    system = shares.T @ shares + np.eye(len(prior)) * PRIOR_RATIO
    return float(prior[0] + np.linalg.solve(system, shares.T @ (values - shares @ prior))[0])


def _against_reference(data: NDArray, tracts: TractMaps, grid: Grid, folder: Path) -> None:
    print(f"{'MTR %':20}{'method':>8}{'toolbox':>9}{'here':>9}{'diff %':>8}{'target':>8}{'by its choices: diff %':>24}")
    for method in Method:
        with (folder / f"mtr_{method}.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            key, theirs = NAMES[row["Label"]], float(row[f"{method.upper()}()"])
            ours = value_of(data, tracts, grid, key, method)
            line = f"{key:20}{method:>8}{theirs:9.3f}{ours:9.3f}"
            line += f"{100 * (ours / theirs - 1):+8.2f}{TARGET_PERCENT[method]:8.0f}"
            if method in (Method.ML, Method.MAP):
                line += f"{100 * (as_toolbox(data, tracts, key, method) / theirs - 1):+24.2f}"
            print(line)


def _against_truth(tracts: TractMaps, grid: Grid) -> None:
    """Compare both ways to value a group where each tract has a value of its own."""
    random = np.random.default_rng(0)
    tissues = np.array([TISSUE_MTR[one.tissue] for one in tracts.tracts])
    free = np.array([one.tissue is not TractTissue.CSF for one in tracts.tracts])
    keys = ("cord", "white_matter", "grey_matter", "dorsal_columns", "lateral_funiculi", "ventral_funiculi")
    errors: dict[tuple[str, Method, bool], list[float]] = {}
    for _ in range(DRAWS):
        values = tissues * (1 + TRACT_SPREAD * random.standard_normal(len(tissues)) * free)
        clean = np.tensordot(values, tracts.fractions, axes=1)
        for key in keys:
            parts = list(tracts.index(key))
            volumes = tracts.fractions[parts].sum(axis=(1, 2, 3))
            truth = float(volumes @ values[parts] / volumes.sum())
            noisy = clean + NOISE_SD * random.standard_normal(clean.shape)
            for method in (Method.ML, Method.MAP):
                for merge in (False, True):
                    value = value_of(noisy, tracts, grid, key, method, merge=merge)
                    errors.setdefault((key, method, merge), []).append(100 * (value / truth - 1))
    print(f"\nknown values, tracts {100 * TRACT_SPREAD:.0f} % apart, noise {NOISE_SD:g}: root mean square error, %")
    print(
        f"{'':20}"
        + "".join(f"{f'{method} {how}':>18}" for method in ("ml", "map") for how in ("parts", "merged first"))
    )
    for key in keys:
        cells = [errors[key, method, merge] for method in (Method.ML, Method.MAP) for merge in (False, True)]
        print(f"{key:20}" + "".join(f"{np.sqrt(np.mean(np.square(cell))):18.2f}" for cell in cells))


if __name__ == "__main__":
    main()
