"""The canal against a digital neck whose dural sac is known, and on real scans."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.canal import NOT_MEASURABLE, segment_canal
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import reorient_array
from napari_spinalq.io.nifti import load_scan

PSIR = {"white": 170.0, "grey": 55.0, "csf": -240.0}


def dice(a, b):
    return 2 * np.sum(a & b) / (np.sum(a) + np.sum(b))


def areas_mm2(share, grid):
    work, work_grid = reorient_array(share, grid, "SAR")
    return work.sum(axis=(1, 2)) * work_grid.spacing[1] * work_grid.spacing[2]


@pytest.mark.parametrize(("signals", "fluid"), [({}, "brighter"), (PSIR, "darker")], ids=["T2*", "PSIR"])
def test_area_and_overlap_with_the_truth(neck, signals, fluid):
    scan = neck.scan(**signals)
    found = segment_canal(scan, neck.cord, neck.centerline)
    assert found.measurable
    assert found.flags == ()
    assert found.parameters["csf_is"] == fluid
    assert dice(found.mask > 0, neck.sac >= 0.5) > 0.98
    assert areas_mm2(found.soft, scan.grid) == pytest.approx(areas_mm2(neck.sac, scan.grid), rel=0.04)
    assert found.mask.dtype == np.uint8
    assert found.soft.dtype == np.float32


def test_truth_of_the_sac_is_that_of_the_anatomy(neck):
    """The sac of the phantom at C4 is an ellipse of 21.1 x 12.9 mm."""
    assert areas_mm2(neck.sac, neck.grid) == pytest.approx(np.pi * 21.1 * 12.9 / 4, rel=0.03)


def test_the_cord_lies_within_the_canal(neck):
    found = segment_canal(neck.scan(), neck.cord, neck.centerline)
    assert (found.soft >= neck.cord - 1e-6).all()


def test_isointense_slices_are_left_out_and_named(neck):
    scan, isointense = neck.scan(), neck.scan(csf=200.0)
    data = scan.data.copy()
    data[:, :, :2] = isointense.data[:, :, :2]
    found = segment_canal(replace(scan, data=data), neck.cord, neck.centerline)
    drawn = areas_mm2(found.soft, scan.grid) > 0
    assert drawn.tolist() == [False, False, True, True, True]
    assert any("slices 0-1" in flag for flag in found.flags)
    assert found.parameters["slices"] == "2-4"


@pytest.mark.parametrize("rest", [0.0, 1.0])
def test_a_scan_with_isointense_fluid_shows_no_canal(neck, rest):
    found = segment_canal(neck.scan(white=195.0, grey=195.0, csf=195.0, rest=rest), neck.cord, neck.centerline)
    assert not found.measurable
    assert found.flags == (NOT_MEASURABLE,)
    assert not found.mask.any()
    assert not found.soft.any()


def test_fluid_as_dark_as_all_around_shows_no_canal(neck):
    """A diffusion-weighted scan: the cord is bright, nothing else is."""
    found = segment_canal(neck.scan(csf=0.0, rest=0.0), neck.cord, neck.centerline)
    assert not found.measurable


def test_offset_moves_the_wall_inwards(neck):
    scan = neck.scan()
    physical = areas_mm2(segment_canal(scan, neck.cord, neck.centerline).soft, scan.grid)
    inner = areas_mm2(segment_canal(scan, neck.cord, neck.centerline, edge_offset_mm=0.3).soft, scan.grid)
    circumference = np.pi * (3 * (10.55 + 6.45) - np.sqrt((3 * 10.55 + 6.45) * (10.55 + 3 * 6.45)))  # Ramanujan 1914
    assert physical - inner == pytest.approx(0.3 * circumference - np.pi * 0.3**2, rel=0.08)


@pytest.mark.parametrize("codes", ["RAS", "SAR", "PIR", "ILA"])
def test_a_reoriented_copy_gives_the_same_voxels(neck, codes):
    scan = neck.scan()
    expected, _ = reorient_array(segment_canal(scan, neck.cord, neck.centerline).soft, scan.grid, codes)
    turned = scan.reoriented(codes)
    cord, _ = reorient_array(neck.cord, scan.grid, codes)
    assert np.allclose(segment_canal(turned, cord, neck.centerline).soft, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("mask", "options", "said"),
    [
        (np.zeros((3, 3, 3)), {}, "shape"),
        (None, {}, "no cross-section"),
        ("twice", {}, "outside 0 to 1"),
        ("cord", {"edge_offset_mm": 9.0}, "edge offset"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(neck, mask, options, said):
    scan = neck.scan()
    masks = {"cord": neck.cord, "twice": 2 * neck.cord}
    given = np.zeros(scan.grid.shape) if mask is None else masks[mask] if isinstance(mask, str) else mask
    with pytest.raises(InputError, match=said) as refusal:
        segment_canal(scan, given, neck.centerline, **options)
    assert "\n" not in str(refusal.value)


@pytest.mark.realdata
@pytest.mark.parametrize("image", ["t2/t2", "t2s/t2s_uncropped", "mt/mt0"])
def test_every_slice_of_a_real_neck_with_bright_fluid_has_a_plausible_sac(sct_testing, image):
    scan = load_scan(sct_testing / f"{image}.nii.gz")
    cord = segment_cord(scan)
    found = segment_canal(scan, cord.soft, cord.centerline)
    areas, cord_areas = (areas_mm2(soft, scan.grid) for soft in (found.soft, cord.soft))
    shown = cord_areas > 20
    assert found.flags == ()
    assert ((areas > 130) & (areas < 320))[shown].all()
    assert (areas > 1.3 * cord_areas)[shown].all()


@pytest.mark.realdata
def test_a_diffusion_scan_shows_no_canal(sct_testing):
    scan = load_scan(sct_testing / "dmri" / "dwi_mean.nii.gz")
    cord = segment_cord(scan)
    assert not segment_canal(scan, cord.soft, cord.centerline).measurable


@pytest.mark.filterwarnings("error")
def test_a_syrinx_left_out_of_the_cord_does_not_hide_the_canal(neck):
    scan = neck.scan()
    expected = segment_canal(scan, neck.cord, neck.centerline)
    work, grid = reorient_array(neck.cord.copy(), scan.grid, "SAR")
    for plane in work:
        row, column = (round(float(place)) for place in np.argwhere(plane >= 0.5).mean(axis=0))
        plane[row - 1 : row + 2, column - 1 : column + 2] = 0.0
    found = segment_canal(scan, reorient_array(work, grid, scan.grid.axis_codes)[0], neck.centerline)
    assert areas_mm2(found.soft, scan.grid) == pytest.approx(areas_mm2(expected.soft, scan.grid), rel=0.01)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("share", "said"), [(0.3, "no cross-section"), (None, "more than any cord")])
def test_a_mask_that_is_no_cord_is_refused(neck, share, said):
    mask = np.ones_like(neck.cord) if share is None else neck.cord * share
    with pytest.raises(InputError, match=said):
        segment_canal(neck.scan(), mask, neck.centerline)
