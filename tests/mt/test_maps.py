"""The whole chain on digital scans: alignment, maps and what is said about them."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.mt.maps import NO_SETTINGS, NO_T1W, magnetisation_transfer
from napari_spinalq.mt.parameters import Excitation, MtParameters
from napari_spinalq.phantom import healthy_design, make_exam
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.scan import Scan

PROTOCOL = MtParameters(Excitation(9, 0.035), Excitation(9, 0.035), Excitation(15, 0.015))
GRID = Grid((8, 8, 3), np.diag([0.9, 0.9, 5.0, 1.0]))


def _scan(value):
    return Scan(np.full(GRID.shape, float(value)), GRID)


@pytest.fixture
def cord():
    mask = np.zeros(GRID.shape, dtype=np.uint8)
    mask[2:6, 2:6] = 1
    return mask


def test_maps_of_uniform_scans(cord):
    maps = magnetisation_transfer(_scan(106), _scan(200), _scan(145), PROTOCOL, cord, align=False)
    assert maps.mtr == pytest.approx(47.0)
    assert maps.mtsat is not None
    assert maps.t1 is not None
    assert np.ptp(maps.mtsat) == 0
    assert (maps.flags, maps.motions) == ((), {})


def test_what_is_missing_for_mtsat_is_said(cord):
    without = magnetisation_transfer(_scan(106), _scan(200), cord_mask=cord, align=False)
    assert (without.mtsat, without.t1, without.flags) == (None, None, (NO_T1W,))
    unknown = magnetisation_transfer(_scan(106), _scan(200), _scan(145), None, cord, align=False)
    assert (unknown.mtsat, unknown.flags) == (None, (NO_SETTINGS,))


def test_odd_values_are_counted_and_kept(cord):
    on, off = _scan(190), _scan(200)
    on.data[2, 2, :2], off.data[3, 3, 0] = 210, 1
    maps = magnetisation_transfer(on, off, cord_mask=cord, align=False)
    assert maps.mtr[2, 2, 0] == pytest.approx(-5)
    assert maps.flags[1:] == (
        "MTR is negative in 2 of 48 voxels of the cord",
        "MTR is not known in 1 of 48 voxels of the cord",
        "the median MTR of the cord, 5 %, is unusual (15 to 65 %): check the scans",
    )


def test_different_settings_of_both_scans_are_said(cord):
    other = replace(PROTOCOL, off=Excitation(6, 0.028))
    maps = magnetisation_transfer(_scan(106), _scan(200), _scan(145), other, cord, align=False)
    assert "different flip angles or repetition times" in maps.flags[0]


def test_series_other_grids_and_swapped_scans_are_refused(cord):
    on, off = _scan(106), _scan(200)
    series = Scan(np.zeros((*GRID.shape, 2)), GRID)
    with pytest.raises(InputError, match="holds 2 volumes"):
        magnetisation_transfer(on, series, cord_mask=cord)
    elsewhere = Scan(off.data, Grid(GRID.shape, np.diag([0.9, 0.9, 4.0, 1.0])))
    with pytest.raises(GridMismatchError, match="voxel size"):
        magnetisation_transfer(on, elsewhere, cord_mask=cord, align=False)
    with pytest.raises(InputError, match="swapped"):
        magnetisation_transfer(off, on, cord_mask=cord, align=False)


def _mt_exam(behind_mm=0.0):
    """Return the clean MT scans of a digital person; those without the pulse measured with the cord moved back."""
    protocols = [replace(p, shape=(40, 40, 5)) for p in PROTOCOLS if p.contrast == "mt"]
    design = replace(healthy_design(7), noise=0.0, bias=0.0)
    exam = make_exam(design, protocols=protocols)
    moved = [replace(p, anterior_mm=p.anterior_mm + behind_mm) for p in protocols if p.name != "mt_on"]
    scans = make_exam(design, protocols=moved).scans
    on = exam.scans["mt_on"]
    return exam, on, *(replace(scans[name], grid=on.grid) for name in ("mt_off", "mt_t1w"))


def test_a_cord_that_moved_between_the_scans_is_brought_back():
    exam, on, off, t1w = _mt_exam(behind_mm=1.2)
    truth = exam.truth["mt_on"]
    inside = truth.cord > 0.999
    expected = {name: (share > 0.999, value) for name, share, value in _ratios(truth)}
    aligned, plain = (
        magnetisation_transfer(on, off, t1w, PROTOCOL, truth.cord_mask, align=align) for align in (True, False)
    )
    assert aligned.motions["off"].shifts_mm[0, :, 0] == pytest.approx(-1.2, abs=0.25)
    assert np.abs(aligned.motions["off"].shifts_mm[0, :, 1]).max() < 0.25
    assert set(aligned.motions) == {"off", "t1w"}
    spread = [np.nanstd(maps.mtr[inside]) for maps in (aligned, plain)]
    assert spread[0] < 0.6 * spread[1]
    for name, (pure, value) in expected.items():
        assert np.median(aligned.mtr[pure]) == pytest.approx(value, abs=1.0), name


def _ratios(truth):
    yield "white_matter", truth.tracts["white_matter"], 47.0
    yield "dorsal_column_left", truth.tracts["dorsal_column_left"], 47.3


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_storage_of_the_scans_does_not_matter(codes):
    exam, on, off, t1w = _mt_exam(behind_mm=0.8)
    mask = Scan(exam.truth["mt_on"].cord_mask, on.grid)
    first = magnetisation_transfer(on, off, t1w, PROTOCOL, mask.data)
    stored = magnetisation_transfer(
        on.reoriented(codes), off.reoriented("RAS"), t1w, PROTOCOL, mask.reoriented(codes).data
    )
    back = Scan(stored.mtr, on.grid.reoriented(codes)).reoriented("LAS")
    inside = mask.data > 0
    assert back.data[inside] == pytest.approx(first.mtr[inside], abs=0.1)


@pytest.mark.realdata
def test_mtr_of_a_real_pair_is_that_of_the_toolbox(sct_testing):
    """The toolbox's map was made after its own slice-wise registration of both images."""
    folder = sct_testing / "mt"
    on, off = (load_scan(folder / f"{name}.nii.gz") for name in ("mt1", "mt0"))
    cord = load_scan(folder / "mt1_seg.nii.gz").data
    reference = np.asarray(nib.load(folder / "mtr.nii.gz").dataobj)[cord > 0]
    aligned, plain = (
        magnetisation_transfer(on, off, cord_mask=cord, align=align).mtr[cord > 0] for align in (True, False)
    )
    assert np.median(np.abs(aligned - reference)) < 1.0
    assert np.median(np.abs(plain - reference)) > 3.0, "the images do not lie on each other"
    assert aligned.std() == pytest.approx(reference.std(), rel=0.05)


@pytest.mark.realdata
def test_real_images_given_the_wrong_way_round_are_noticed(sct_testing):
    folder = sct_testing / "mt"
    on, off = (load_scan(folder / f"{name}.nii.gz") for name in ("mt1", "mt0"))
    with pytest.raises(InputError, match="swapped"):
        magnetisation_transfer(off, on, cord_mask=load_scan(folder / "mt1_seg.nii.gz").data)
