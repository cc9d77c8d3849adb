"""Good cases to put faults into: digital cords of two halves, masks of ten people, and real scans with references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from draws.cases import real_folder
from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.phantom.anatomy import Anatomy
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.piece import Piece, integrate
from napari_spinalq.phantom.protocol import Protocol, scan_grid
from napari_spinalq.phantom.truth import disc_table
from napari_spinalq.quality.faults.case import Case
from napari_spinalq.reopen import NO_DISCS
from napari_spinalq.results import DrawnStructure
from napari_spinalq.scan import Scan

GRIDS = (
    Protocol("0.5 x 0.5 x 5", "", Contrast.T2STAR, "LAS", (0.5, 0.5, 5.0), (112, 112, 16), -6.0, 0.0, 1.0),
    Protocol("0.9 x 0.9 x 5", "", Contrast.MT, "LAS", (0.9, 0.9, 5.0), (60, 60, 18), -6.0, 0.0, 1.0),
    Protocol("0.8 iso", "", Contrast.T2W, "PIR", (0.8, 0.8, 0.8), (56, 72, 110), 11.0, 0.0, -2.0, oblique=False),
    Protocol("1.0 iso", "", Contrast.T2W, "PIR", (1.0, 1.0, 1.0), (48, 60, 100), 11.0, 0.0, -2.0, oblique=False),
)
"""Pixel and slice in mm, in-plane first."""

SHOWN = {
    "0.5 x 0.5 x 5": ("t2star", "psir"),
    "0.9 x 0.9 x 5": ("mt_on", "t2star"),
    "0.8 iso": ("t2w", "t1w"),
    "1.0 iso": ("t1w", "t2w"),
}
"""Contrasts in which each grid is usual."""

SNRS = (12.0, 20.0, 35.0)
"""Cases take these in turn: white or grey matter over the standard deviation of the noise."""

SEEDS = {"set": (101, 103, 105), "check": (102, 104, 106)}
"""People of the half that thresholds are set on, and of the half that is reported."""


@dataclass(frozen=True, eq=False)
class Named:
    """A case, what it is called, and whether its image can be judged."""

    name: str
    case: Case
    has_image: bool = True


def digital_cases(half: str) -> Iterator[Named]:
    """Yield digital cords with their true masks, on four grids in two contrasts each."""
    number = 0
    for seed in SEEDS[half]:
        anatomy = healthy_design(seed).anatomy()
        for grid in GRIDS:
            piece = integrate(anatomy.tissues, scan_grid(grid, anatomy))
            for contrast in SHOWN[grid.name]:
                snr = SNRS[number % len(SNRS)]
                scan = piece.scan(contrast, snr=snr, seed=1000 * seed + number)
                name = f"digital {seed}, {grid.name}, {contrast}, SNR {snr:g}"
                yield Named(name, _with_truth(scan, piece, anatomy))
                number += 1


def _with_truth(scan: Scan, piece: Piece, anatomy: Anatomy) -> Case:
    drawn = tuple(
        DrawnStructure(name, _binary(share)) for name, share in (("gm", piece.grey_matter), ("canal", piece.sac))
    )
    discs = tuple(
        Disc(int(row.number), (row.x_mm, row.y_mm, row.z_mm), Origin.DETECTED)
        for row in disc_table(anatomy).itertuples()
        if scan.grid.contains((row.cord_x_mm, row.cord_y_mm, row.cord_z_mm))
    )
    return Case(scan, _binary(piece.cord), Labelling(discs, confirmed=True), drawn)


def _binary(share: NDArray) -> NDArray[np.uint8]:
    return (np.asarray(share) >= 0.5).astype(np.uint8)


def people_cases(half: str) -> Iterator[Named]:
    """Yield hand-mended masks of cord and fluid of ten people, odd and even ones by half; their images are not here."""
    folder = real_folder().parent / "masks" / "derivatives" / "labels"
    for number, person in enumerate(sorted(folder.glob("sub-*"))):
        if number % 2 != (half == "check"):
            continue
        path = person / "anat" / f"{person.name}_T2w_seg-manual.nii.gz"
        yield Named(f"{person.name}, mask alone", _mask_alone(path), has_image=False)


def _mask_alone(path: Path) -> Case:
    """Return a mask with an even image, and the canal: the fluid that was drawn around it, and the cord itself."""
    mask = load_mask(path)
    fluid = load_mask(path.with_name(path.name.replace("_seg-", "_csfseg-")), like=mask.grid)
    canal = DrawnStructure("canal", _binary(np.maximum(fluid.data, mask.data)))
    return Case(Scan(np.ones(mask.grid.shape, np.float32), mask.grid), _binary(mask.data), NO_DISCS, (canal,))


REAL = (
    ("t2/t2", "t2/t2_seg-manual", ""),
    ("t2s/t2s", "t2s/t2s_seg", "t2s/t2s_gmseg_manual"),
    ("mt/mt1", "mt/mt1_seg", ""),
    ("template/PAM50_small_t2", "template/PAM50_small_cord", ""),
)
"""Image, cord and grey matter of real scans; the last is the mean of many people."""


def real_scan_cases() -> Iterator[Named]:
    """Yield real scans with the references drawn on them."""
    folder = real_folder()
    for image, cord, grey in REAL:
        scan = load_scan(folder / f"{image}.nii.gz")
        mask = load_mask(folder / f"{cord}.nii.gz", like=scan.grid)
        drawn = _drawn(folder / f"{grey}.nii.gz", scan.grid) if grey else ()
        labelling = _template_discs(folder) if "PAM50" in image else NO_DISCS
        yield Named(f"real {scan.name}", Case(scan, _binary(mask.data), labelling, drawn))


def _drawn(path: Path, grid: Grid) -> tuple[DrawnStructure, ...]:
    return (DrawnStructure("gm", _binary(load_mask(path, like=grid).data)),)


def _template_discs(folder: Path) -> Labelling:
    """Return the discs of the template, of which the file holds one voxel each; 1 and 2 lie above the first disc."""
    labels = load_scan(folder / "template" / "PAM50_small_label_disc.nii.gz")
    voxels = np.argwhere(np.asarray(labels.data) > 0)
    numbers = np.asarray(labels.data)[tuple(voxels.T)].astype(int)
    places = labels.grid.voxel_to_mm(voxels)
    discs = sorted(zip(numbers.tolist(), map(tuple, places.tolist()), strict=True))
    return Labelling(tuple(Disc(number, place, Origin.DETECTED) for number, place in discs if number > 2), True)
