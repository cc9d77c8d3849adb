"""Spinal Cord Toolbox: recorded command lines, real output files."""

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.backends import sct
from napari_spinalq.cord.backends.exchange import write_input
from napari_spinalq.errors import BackendError, CordNotFoundError, GridMismatchError, InputError
from napari_spinalq.io.nifti import load_scan

CORD_7 = "sct_deepseg spinalcord -i input.nii.gz -o output.nii.gz"
GM_7 = "sct_deepseg graymatter -i input.nii.gz -o output.nii.gz"
CORD_6 = "sct_deepseg -i input.nii.gz -o output.nii.gz -task seg_sc_contrast_agnostic"
GM_6 = "sct_deepseg_gm -i input.nii.gz -o output.nii.gz"
LABEL = "sct_label_vertebrae -i input.nii.gz -s cord.nii.gz -c t2"
"""As the help texts of versions 7.0 and 6.3 give them."""

RECORDED = [("7.0", "cord", CORD_7), ("7.2.1", "gm", GM_7), ("6.3", "cord", CORD_6), ("6.5", "gm", GM_6)]


@pytest.mark.parametrize(("version", "structure", "line"), RECORDED)
def test_command_lines(version, structure, line):
    assert " ".join(sct.segment_command(version, structure, "input.nii.gz", "output.nii.gz")) == line


def test_a_development_copy_counts_as_current():
    assert sct.segment_command("git-master-3ce19094c99e", "cord", "a", "b")[1] == "spinalcord"


def test_other_structures_are_refused():
    with pytest.raises(InputError, match="not canal"):
        sct.segment_command("7.0", "canal", "a", "b")


@pytest.mark.parametrize(("contrast", "word"), [("t2w", "t2"), ("t2star", "t2"), ("t1w", "t1"), ("psir", "t1")])
def test_contrast_of_the_label_command(contrast, word):
    assert sct.label_command(Contrast(contrast), "a", "b")[-1] == word


def test_an_unknown_contrast_is_refused():
    with pytest.raises(InputError, match="--contrast"):
        sct.label_command(Contrast.UNKNOWN, "a", "b")


@pytest.mark.parametrize(("printed", "version"), [("7.0\n", "7.0"), ("\nSome note\n6.5\n", "6.5"), ("dev\n", "dev")])
def test_version(printed, version):
    assert sct.parse_version(printed) == version


@pytest.mark.parametrize("printed", ["", "command not known"])
def test_no_version_is_told(printed):
    with pytest.raises(BackendError, match="did not tell its version"):
        sct.parse_version(printed)


@pytest.mark.parametrize(("version", "structure", "line"), RECORDED)
def test_segmenting(program, workshop, exam, version, structure, line):
    program("sct_version", prints=version)
    program(line, needs=["input.nii.gz"], leaves={exam / "cord.nii.gz": "output.nii.gz"}, prints="Done!")
    scan = load_scan(exam / "t2.nii.gz")
    found = sct.segment_with_sct(scan, structure)
    assert np.array_equal(found.mask, nib.load(exam / "cord.nii.gz").get_fdata())
    assert found.parameters == {
        "backend": "Spinal Cord Toolbox", "backend_version": version, "backend_command": line
    }  # fmt: skip
    assert list(workshop.iterdir()) == []


def test_the_program_is_given_the_scan_bit_for_bit(exam):
    scan = load_scan(exam / "t2.nii.gz")
    given = nib.load(exam / write_input(scan, exam))
    original = nib.load(exam / "t2.nii.gz")
    assert np.array_equal(given.get_fdata(), original.get_fdata())
    assert np.array_equal(given.affine, original.affine)
    assert given.header["sform_code"] == original.header["sform_code"]
    assert given.header["qform_code"] == original.header["qform_code"]


def test_a_soft_mask_is_cut_at_one_half(exam):
    scan = load_scan(exam / "t2.nii.gz")
    mask = sct.read_mask(exam / "soft.nii.gz", scan.grid)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, nib.load(exam / "soft.nii.gz").get_fdata() >= 0.5)


def test_another_grid_is_refused(exam):
    scan = load_scan(exam / "t2.nii.gz")
    with pytest.raises(GridMismatchError, match=r"The mask of Spinal Cord Toolbox .* 48 x 60 x 13"):
        sct.read_mask(exam / "other_grid.nii.gz", scan.grid)
    with pytest.raises(GridMismatchError):
        sct.read_levels(exam / "other_grid.nii.gz", scan.grid)


def test_values_that_are_no_mask_are_refused(exam):
    with pytest.raises(BackendError, match="values up to 5"):
        sct.read_mask(exam / "levels.nii.gz", load_scan(exam / "t2.nii.gz").grid)


def test_no_cord(program, exam):
    program("sct_version", prints="7.0")
    program(CORD_7, leaves={exam / "empty.nii.gz": "output.nii.gz"})
    with pytest.raises(CordNotFoundError, match="found no cord in t2"):
        sct.segment_with_sct(load_scan(exam / "t2.nii.gz"), "cord")


def test_no_output(program, exam):
    program("sct_version", prints="7.0")
    program(CORD_7)
    with pytest.raises(BackendError, match=r"left no output\.nii\.gz"):
        sct.segment_with_sct(load_scan(exam / "t2.nii.gz"), "cord")


def test_labelling(program, workshop, exam):
    program("sct_version", prints="7.0")
    left = {exam / "levels.nii.gz": "cord_labeled.nii.gz"}
    program(LABEL, needs=["input.nii.gz", "cord.nii.gz"], leaves=left)
    scan, cord = load_scan(exam / "t2.nii.gz"), load_scan(exam / "cord.nii.gz")
    levels, parameters = sct.label_with_sct(scan, cord.data)
    assert np.array_equal(levels, nib.load(exam / "levels.nii.gz").get_fdata())
    assert parameters["backend_command"] == LABEL
    assert list(workshop.iterdir()) == []


def test_labelling_from_a_click(program, exam):
    program("sct_version", prints="7.0")
    left = {exam / "levels.nii.gz": "cord_labeled.nii.gz"}
    program(f"{LABEL} -initlabel disc.nii.gz", needs=["disc.nii.gz"], leaves=left)
    scan, cord = load_scan(exam / "t2.nii.gz"), load_scan(exam / "cord.nii.gz")
    levels, _ = sct.label_with_sct(scan, cord.data, (4, scan.grid.voxel_to_mm([23.2, 31.4, 9.0])))
    assert set(np.unique(levels)) == {0, 3, 4, 5}


def test_a_click_becomes_one_voxel_with_its_number(exam):
    grid = load_scan(exam / "t2.nii.gz").grid
    labels = sct._single_voxel(4, grid.voxel_to_mm([23.2, 31.4, 9.0]), grid)
    assert labels.sum() == 4
    assert labels[23, 31, 9] == 4


def test_no_level(exam):
    with pytest.raises(BackendError, match="--disc"):
        sct.read_levels(exam / "empty.nii.gz", load_scan(exam / "t2.nii.gz").grid)


@pytest.mark.realdata
def test_real_files(program, sct_testing):
    folder = sct_testing / "t2"
    program("sct_version", prints="7.0")
    program(CORD_7, needs=["input.nii.gz"], leaves={folder / "t2_seg-manual.nii.gz": "output.nii.gz"})
    program(LABEL, needs=["cord.nii.gz"], leaves={folder / "t2_seg-manual_labeled.nii.gz": "cord_labeled.nii.gz"})
    scan = load_scan(folder / "t2.nii.gz")
    mask = sct.segment_with_sct(scan, "cord").mask
    assert mask.sum() == np.count_nonzero(nib.load(folder / "t2_seg-manual.nii.gz").get_fdata())
    levels, _ = sct.label_with_sct(scan, mask)
    theirs = nib.load(folder / "t2_seg-manual_labeled.nii.gz")
    assert nib.aff2axcodes(theirs.affine) == tuple(scan.grid.axis_codes)
    assert np.array_equal(levels, theirs.get_fdata())
