"""The atlas of tracts against its figures, against PAM50 on the same cords, and against digital cords.

Run ``python benchmarks/atlas.py``; real data are looked for in ``$SPINALQ_SHARED`` (default ``../shared``). For each
part: soft Dice (twice the common share over the sum of shares), volume over that of the reference, and the distance
between centroids in the plane (mm, mean over slices), each the mean of both sides. The digital cords draw the CST from
the same figures as the built-in atlas: they show errors of the fit, not of the anatomy.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.anatomy.tract_figures import tract_figures
from napari_spinalq.geometry import Grid, to_work_order
from napari_spinalq.io.nifti import load_grid, load_mask, load_scan
from napari_spinalq.phantom.make import SAMPLING
from napari_spinalq.phantom.sample import SAMPLE_DESIGNS
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, membership
from napari_spinalq.phantom.truth import level_map
from napari_spinalq.tracts.atlas import Atlas
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.fit import FitQuality, fit_atlas, fit_quality
from napari_spinalq.tracts.folder import read_atlas, read_warped_atlas
from napari_spinalq.tracts.maps import Side, TractMaps
from napari_spinalq.tracts.parts import PARTS, SIDES

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from training.tract_figures import MEMBERS  # noqa: E402

SAME_CORD_DICE, OTHER_FIT_DICE, PHANTOM_DICE = 0.85, 0.70, 0.80
"""Targets: mean soft Dice of built-in and PAM50 fitted alike; of our fit and another program's; of a phantom."""

AREA_PERCENT, CENTROID = 5.0, 0.03
CORD_DICE, GREY_DICE = 0.98, 0.85
SECONDS = 2.0
LEAST_IN_SLICE = 0.5
"""A slice holding fewer voxels than this of a part has no centroid."""

PHANTOM_PARTS = {
    "lateral_cst": ("lateral_cst",),
    "ventral_cst": ("ventral_cst",),
    "dorsal_columns": ("dorsal_column",),
}
"""What a digital cord knows of tracts, and the names of its tissues without their side."""


@dataclass(frozen=True)
class Likeness:
    """How alike two maps of one part are."""

    dice: float
    volume_ratio: float
    centroid_mm: float


def main() -> None:
    """Print all comparisons."""
    own = builtin_atlas()
    _against_figures(own)
    _phantoms(own)
    shared = Path(os.environ.get("SPINALQ_SHARED", ROOT.parent / "shared")) / "data"
    if not shared.is_dir():
        print(f"no real data in {shared}; set SPINALQ_SHARED")
        return
    start = time.perf_counter()
    pam50 = read_atlas(shared / "pam50" / "atlas")
    print(f"\nPAM50 read in {time.perf_counter() - start:.1f} s")
    _in_the_template(own, shared / "pam50")
    for scan in ("t2s/t2s", "t2/t2"):
        _on_one_cord(own, pam50, shared / "sct_testing", scan)
    for atlas in (own, pam50):
        _against_another_fit(atlas, shared / "sct_testing" / "mt")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _against_figures(own: Atlas) -> None:
    """Compare areas and centroids of the drawn atlas with the figures that it was drawn from."""
    axis = np.linspace(-1, 1, 201)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    area, centroid = [], []
    for level in own.levels:
        shares = dict(zip([tract.key for tract in own.tracts], own.shares(level, x, y), strict=True))
        whole = sum(share.sum() for share in shares.values()) - shares["csf"].sum()
        for part in PARTS:
            known, mass = tract_figures()[level][part.name], shares[f"{part.name}_right"]
            place = [(mass * along).sum() / mass.sum() for along in (x, y)]
            area.append(100 * abs(mass.sum() / whole / known.area_fraction - 1))
            centroid.append(float(np.hypot(place[0] - known.x, place[1] - known.y)))
    print("built-in atlas against its figures, C1 to L1, all parts")
    print(f"  area, %: median {np.median(area):.2f}, largest {max(area):.2f}  target {AREA_PERCENT:g}")
    print(f"  centroid: median {np.median(centroid):.4f}, largest {max(centroid):.4f}  target {CENTROID:g}")


def _in_the_template(own: Atlas, folder: Path) -> None:
    """Fit the built-in atlas to the cord of the template and compare with the template's own parts, voxel by voxel."""
    cord = load_mask(folder / "template" / "PAM50_cord.nii.gz")
    level_scan = load_scan(folder / "template" / "PAM50_levels.nii.gz")
    box = np.s_[45:96, 50:95, 343:985]
    grid = cord.grid.cropped((45, 50, 343), (51, 45, 642))
    start = time.perf_counter()
    maps = fit_atlas(own, np.asarray(cord.data)[box], slice_levels(np.asarray(level_scan.data)[box], grid), grid)
    print(f"\nbuilt-in fitted to the cord of PAM50, C1 to T8, {time.perf_counter() - start:.1f} s, against its parts")
    keys = ("lateral_cst", "ventral_cst", "gracilis", "cuneatus", "ventral_horn", "dorsal_horn")
    numbers = {"gracilis": 0, "cuneatus": 2, "lateral_cst": 4, "ventral_cst": 22, "ventral_horn": 30, "dorsal_horn": 34}
    found = {}
    for key in keys:
        parts = [
            np.asarray(load_scan(folder / "atlas" / f"PAM50_atlas_{numbers[key] + right:02d}.nii.gz").data)[box]
            for right in (0, 1)
        ]
        found[key] = _mean(
            likeness(maps.fraction(f"{key}_{side}"), part, grid) for side, part in zip(SIDES, parts, strict=True)
        )
    _print(found, SAME_CORD_DICE)


def _on_one_cord(own: Atlas, pam50: Atlas, folder: Path, scan: str) -> None:
    """Fit both atlases to one real cord."""
    name = Path(scan).name
    if name == "t2s":
        mask = load_mask(folder / "t2s" / "t2s_seg.nii.gz")
        levels = load_scan(folder / "t2s" / "levels.nii.gz")
        grey = np.asarray(load_mask(folder / "t2s" / "t2s_gmseg_manual.nii.gz").data, dtype=np.float32)
    else:
        mask = load_mask(folder / "t2" / "t2_seg-manual.nii.gz")
        levels = load_scan(folder / "t2" / "t2_seg-manual_labeled.nii.gz")
        grey = None
    known = slice_levels(np.asarray(levels.data), mask.grid)
    for measured in (None, grey) if grey is not None else (None,):
        start = time.perf_counter()
        first = fit_atlas(own, mask.data, known, mask.grid, grey_matter=measured)
        seconds = time.perf_counter() - start
        second = fit_atlas(pam50, mask.data, known, mask.grid, grey_matter=measured)
        with_grey = "" if measured is None else " and to grey matter drawn by hand"
        print(f"\nbuilt-in against PAM50, both fitted to the cord of {scan}{with_grey}")
        _print(_parts(first, second, mask.grid), SAME_CORD_DICE)
        for atlas, maps in (("built-in", first), ("PAM50", second)):
            _print_quality(atlas, fit_quality(maps, mask.data, mask.grid, grey), measured is not None)
        print(f"  {seconds:.2f} s  target {SECONDS:g}")


def _against_another_fit(atlas: Atlas, folder: Path) -> None:
    """Fit to the cord of an MT scan and compare with the atlas that Spinal Cord Toolbox warped to it."""
    grid = load_grid(folder / "mt1.nii.gz")
    warped = read_warped_atlas(folder / "label" / "atlas", grid)
    levels = slice_levels(np.asarray(load_scan(folder / "label" / "template" / "PAM50_levels.nii.gz").data), grid)
    slices = np.flatnonzero(levels)
    grey = np.asarray(load_scan(folder / "label" / "template" / "PAM50_gm.nii.gz").data, dtype=np.float32).clip(0, 1)
    cords = {
        "the segmented cord": folder / "mt1_seg.nii.gz",
        "its warped cord": folder / "label" / "template" / "PAM50_cord.nii.gz",
    }
    for title, path in cords.items():
        mask = np.asarray(load_mask(path, grid).data, dtype=np.float32)
        for measured in (None, grey):
            maps = fit_atlas(atlas, mask, levels, grid, grey_matter=measured)
            with_grey = "" if measured is None else " and its warped grey matter"
            name = "built-in" if atlas.name == "builtin" else "PAM50"
            print(f"\n{name} fitted to {title}{with_grey} of mt1, against PAM50 as warped by the toolbox")
            _print(_parts(maps, warped, grid, slices), OTHER_FIT_DICE)


def _phantoms(own: Atlas) -> None:
    """Fit to true cord masks of digital exams."""
    for subject in SAMPLE_DESIGNS:
        anatomy = SAMPLE_DESIGNS[subject].anatomy()
        grid = load_grid(ROOT / "sample_data" / f"sub-{subject}" / "dwi" / f"sub-{subject}_dwi.nii.gz")
        weights = np.concatenate([membership((tissue,))[:, None] for tissue in CORD_TISSUES], axis=1)
        parts = average_over_voxels(anatomy.tissues, grid, weights, SAMPLING)
        truth = {tissue.name.lower(): part for tissue, part in zip(CORD_TISSUES, parts, strict=True)}
        shares = np.sum(list(truth.values()), axis=0)
        levels = slice_levels(level_map(anatomy, shares, grid), grid)
        mask = (shares >= 0.5).astype(np.uint8)
        for measured in (None, truth["grey_matter"]):
            maps = fit_atlas(own, mask, levels, grid, grey_matter=measured)
            with_grey = "" if measured is None else " and its true grey matter"
            print(f"\nbuilt-in fitted to the binary cord{with_grey} of digital exam {subject} (dwi), against its truth")
            found = {
                key: _mean(
                    likeness(maps.fraction(f"{key}_{side}"), sum(truth[f"{one}_{side}"] for one in names), grid)
                    for side in SIDES
                )
                for key, names in PHANTOM_PARTS.items()
            }
            found["grey_matter"] = likeness(maps.fraction("grey_matter"), truth["grey_matter"], grid)
            _print(found, PHANTOM_DICE)
            _print_quality("built-in", fit_quality(maps, shares, grid, truth["grey_matter"]), measured is not None)


def slice_levels(levels: NDArray, grid: Grid) -> NDArray[np.int_]:
    """Return the most frequent level of each axial slice, 0 = none."""
    work, _ = to_work_order(levels.astype(int), grid)
    return np.array([int(np.bincount(plane[plane > 0]).argmax()) if plane.any() else 0 for plane in work])


def likeness(found: NDArray, known: NDArray, grid: Grid, slices: NDArray[np.int_] | None = None) -> Likeness:
    """Compare two maps of one part."""
    (first, work), (second, _) = to_work_order(found, grid), to_work_order(known, grid)
    if slices is not None:
        first, second = first[slices], second[slices]
    apart = [
        float(np.hypot(*((_centre(one) - _centre(other)) * work.spacing[1:])))
        for one, other in zip(first, second, strict=True)
        if min(one.sum(), other.sum()) > LEAST_IN_SLICE
    ]
    both = float(first.sum() + second.sum())
    return Likeness(
        2 * float(np.minimum(first, second).sum()) / both,
        float(first.sum() / second.sum()),
        float(np.mean(apart)) if apart else float("nan"),
    )


def _centre(plane: NDArray) -> NDArray[np.float64]:
    rows, columns = np.indices(plane.shape)
    return np.array([(plane * rows).sum(), (plane * columns).sum()]) / plane.sum()


def _parts(
    first: TractMaps, second: TractMaps, grid: Grid, slices: NDArray[np.int_] | None = None
) -> dict[str, Likeness]:
    """Compare two atlases on one grid, part by part."""
    return {
        part.name: _mean(
            likeness(_share(first, part.name, side), _share(second, part.name, side), grid, slices) for side in SIDES
        )
        for part in PARTS
    }


def _share(maps: TractMaps, part: str, side: Side) -> NDArray[np.float32]:
    """Return the share of a part of the built-in atlas; PAM50 has some in pieces."""
    held = {tract.key for tract in maps.tracts}
    names = MEMBERS.get(part, (part,)) if maps.atlas != "builtin" else (part,)
    return np.sum([maps.fraction(f"{name}_{side}") for name in names if f"{name}_{side}" in held], axis=0)


def _mean(several: Iterable[Likeness]) -> Likeness:
    values = np.array([[one.dice, one.volume_ratio, one.centroid_mm] for one in several])
    return Likeness(*values.mean(axis=0).tolist())


def _print(found: Mapping[str, Likeness], target: float) -> None:
    print(f"  {'part':26}{'Dice':>7}{'volume':>8}{'mm':>7}")
    for key, one in found.items():
        print(f"  {key:26}{one.dice:7.3f}{one.volume_ratio:8.2f}{one.centroid_mm:7.2f}")
    print(f"  {'mean':26}{np.mean([one.dice for one in found.values()]):7.3f}  target {target:.2f}")


def _print_quality(atlas: str, quality: FitQuality, bent: bool) -> None:
    grey = f", grey matter {quality.grey_matter_dice:.3f}" if np.isfinite(quality.grey_matter_dice) else ""
    target = f"  target {GREY_DICE:.2f}" if bent else ""
    print(f"  {atlas}: Dice of the cord {quality.cord_dice:.3f}  target {CORD_DICE:.2f}{grey}{target}")


if __name__ == "__main__":
    main()
