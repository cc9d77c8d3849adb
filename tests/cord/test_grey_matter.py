"""Grey matter against a digital neck of known truth, and against hand-drawn references."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.butterfly_fit import fit_butterfly
from napari_spinalq.cord.butterfly_model import butterfly_model
from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.cord.cord_slices import cord_slices
from napari_spinalq.cord.grey_matter import (
    NOT_MEASURABLE,
    PHYSICAL_EDGE,
    combine_evidence,
    segment_grey_matter,
)
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.scan import Scan

PSIR = {"white": 170.0, "grey": 55.0, "csf": -240.0}
NO_CONTRAST = {"white": 195.0, "grey": 195.0}


def dice(a, b):
    return 2 * np.sum(a & b) / (np.sum(a) + np.sum(b))


def areas_mm2(share, grid):
    work, work_grid = reorient_array(share, grid, "SAR")
    return work.sum(axis=(1, 2)) * work_grid.spacing[1] * work_grid.spacing[2]


@pytest.mark.parametrize(("signals", "polarity"), [({}, "brighter"), (PSIR, "darker")], ids=["T2*", "PSIR"])
def test_area_and_overlap_with_the_truth(neck, signals, polarity):
    scan = neck.scan(**signals)
    found = segment_grey_matter(scan, neck.cord, neck.centerline, edge_level=PHYSICAL_EDGE)
    assert found.measurable
    assert found.flags == ()
    assert found.parameters["grey_matter_is"] == polarity
    assert dice(found.mask > 0, neck.grey >= 0.5) > 0.92
    assert areas_mm2(found.soft, scan.grid) == pytest.approx(areas_mm2(neck.grey, scan.grid), rel=0.06)
    assert found.soft.sum() == pytest.approx(neck.grey.sum(), rel=0.03)
    assert found.mask.dtype == np.uint8
    assert found.soft.dtype == np.float32


def test_with_the_cord_that_was_segmented(neck):
    scan = neck.scan()
    cord = segment_cord(scan)
    found = segment_grey_matter(scan, cord.mask, cord.centerline)
    assert dice(found.mask > 0, neck.grey >= 0.5) > 0.9


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("signals", [NO_CONTRAST, {"white": 100.0, "grey": 100.0, "csf": -300.0}], ids=["T2*", "PSIR"])
def test_without_contrast_nothing_is_drawn(neck, signals, seed):
    found = segment_grey_matter(neck.scan(**signals, seed=seed), neck.cord, neck.centerline)
    assert not found.measurable
    assert found.flags == (NOT_MEASURABLE,)
    assert NOT_MEASURABLE == "GM not measurable on this scan: no contrast between grey and white matter"
    assert not found.mask.any()
    assert not found.soft.any()
    assert abs(found.contrast_to_noise) < 0.5


def test_slices_without_contrast_are_left_out_and_named(neck):
    scan, flat = neck.scan(), neck.scan(**NO_CONTRAST)
    data = scan.data.copy()
    data[:, :, 3:] = flat.data[:, :, 3:]
    found = segment_grey_matter(replace(scan, data=data), neck.cord, neck.centerline)
    assert found.measurable
    assert (areas_mm2(found.soft, scan.grid) > 0).tolist() == [True, True, True, False, False]
    assert found.flags == ("grey matter left out in slices 3-4: it does not stand out from white matter there",)
    assert dice(found.mask[:, :, :3] > 0, neck.grey[:, :, :3] >= 0.5) > 0.92


@pytest.mark.parametrize("voxel_mm", [0.5, 1.5])
def test_a_scan_of_equal_values_or_too_few_voxels_is_not_measurable(voxel_mm):
    y, x = np.meshgrid(np.arange(24) - 12.0, np.arange(24) - 12.0, indexing="ij")
    radius_mm = 2.8 if voxel_mm > 1 else 5.0
    cord = np.repeat((voxel_mm * np.hypot(x, y) < radius_mm)[None].astype(float), 3, axis=0)
    grid = Grid((3, 24, 24), np.array([[0, 0, voxel_mm, 0], [0, voxel_mm, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1.0]]))
    middle = grid.voxel_to_mm([[0, 12, 12], [2, 12, 12]])
    noise = np.random.default_rng(0).normal(0, 1, cord.shape) if voxel_mm > 1 else np.zeros(cord.shape)
    found = segment_grey_matter(Scan(100.0 + noise, grid), cord, Centerline(middle))
    assert not found.measurable
    assert not found.soft.any()


def test_contrast_drowned_in_noise_is_not_measurable(neck):
    assert not segment_grey_matter(neck.scan(noise=150.0), neck.cord, neck.centerline).measurable


def test_negated_values_change_nothing_but_the_polarity(neck):
    scan = neck.scan()
    expected = segment_grey_matter(scan, neck.cord, neck.centerline)
    found = segment_grey_matter(replace(scan, data=-scan.data), neck.cord, neck.centerline)
    assert found.contrast_to_noise == pytest.approx(-expected.contrast_to_noise, rel=1e-4)
    assert np.allclose(found.soft, expected.soft, atol=1e-3)


def test_bias_field_is_borne(neck):
    scan = neck.scan()
    slope = np.exp(np.linspace(-0.8, 0.8, scan.grid.shape[0]))[:, None, None]
    found = segment_grey_matter(replace(scan, data=scan.data * slope), neck.cord, neck.centerline)
    assert dice(found.mask > 0, neck.grey >= 0.5) > 0.9


@pytest.mark.parametrize("codes", ["RAS", "SAR", "PIR", "ILA", "ASL"])
def test_a_reoriented_copy_gives_the_same_voxels(neck, codes):
    scan = neck.scan()
    found = segment_grey_matter(scan, neck.cord, neck.centerline)
    expected, _ = reorient_array(found.soft, scan.grid, codes)
    turned = scan.reoriented(codes)
    cord, _ = reorient_array(neck.cord, scan.grid, codes)
    again = segment_grey_matter(turned, cord, neck.centerline)
    assert again.soft.shape == turned.grid.shape
    assert np.allclose(again.soft, expected, atol=1e-4)


@pytest.mark.parametrize("codes", ["LAS", "RAS"])
def test_a_missing_left_horn_is_missing_on_the_left(lopsided_neck, codes):
    neck = lopsided_neck
    scan = neck.scan().reoriented(codes)
    cord, truth = (reorient_array(share, neck.grid, codes)[0] for share in (neck.cord, neck.grey))
    found = segment_grey_matter(scan, cord, neck.centerline, edge_level=PHYSICAL_EDGE)
    points = scan.grid.voxel_to_mm(np.argwhere(np.ones(scan.grid.shape)))
    middle = neck.centerline.position(neck.centerline.nearest_arc(points))
    right = (points[:, 0] > middle[:, 0]).reshape(scan.grid.shape)
    share_right, true_share_right = (soft[right].sum() / soft.sum() for soft in (found.soft, truth))
    assert true_share_right > 0.58
    assert share_right == pytest.approx(true_share_right, abs=0.03)


def test_the_level_chooses_the_expected_shape(neck):
    scan = neck.scan()
    at_c4 = segment_grey_matter(scan, neck.cord, neck.centerline, slice_levels=[4] * 5)
    unknown = segment_grey_matter(scan, neck.cord, neck.centerline, slice_levels=[0] * 5)
    at_t2 = segment_grey_matter(scan, neck.cord, neck.centerline, slice_levels=[0, 0, 9, 0, 0])
    assert np.array_equal(at_c4.soft, unknown.soft)
    assert not np.array_equal(at_t2.soft, unknown.soft)
    assert dice(at_t2.mask > 0, unknown.mask > 0) > 0.9


def test_readers_draw_more_than_the_physical_edge(neck):
    scan = neck.scan()
    reader = segment_grey_matter(scan, neck.cord, neck.centerline)
    physical = segment_grey_matter(scan, neck.cord, neck.centerline, edge_level=PHYSICAL_EDGE)
    assert reader.soft.sum() > physical.soft.sum()
    assert (reader.soft >= physical.soft - 1e-6).all()


def test_a_map_from_elsewhere_counts_as_evidence(neck):
    scan = neck.scan(noise=45.0)
    alone = segment_grey_matter(scan, neck.cord, neck.centerline, edge_level=PHYSICAL_EDGE, with_network=False)
    helped = segment_grey_matter(
        scan, neck.cord, neck.centerline, edge_level=PHYSICAL_EDGE, other_soft=neck.grey.astype(np.float32)
    )
    truth = neck.grey >= 0.5
    assert dice(helped.mask > 0, truth) > dice(alone.mask > 0, truth) + 0.02


@pytest.mark.parametrize("noise", [25.0, 45.0])
def test_the_network_helps_where_noise_hides_the_edge(neck, noise):
    """Mean error of the share in the voxels of the cord, against the true shares."""
    scan = neck.scan(noise=noise)
    with_network, alone = (
        segment_grey_matter(scan, neck.cord, neck.centerline, edge_level=PHYSICAL_EDGE, with_network=asked)
        for asked in (True, False)
    )
    inside = neck.cord > 0
    errors = [np.abs(found.soft - neck.grey)[inside].mean() for found in (with_network, alone)]
    assert errors[0] < 0.97 * errors[1]
    assert with_network.parameters["with_other_map"]
    assert not alone.parameters["with_other_map"]


def test_without_contrast_the_network_is_not_asked(neck, monkeypatch):
    monkeypatch.setattr("napari_spinalq.cord.grey_matter.soft_maps", None)
    found = segment_grey_matter(neck.scan(**NO_CONTRAST), neck.cord, neck.centerline)
    assert not found.measurable
    assert found.soft.max() == 0


def test_where_the_maps_disagree_the_voxel_decides(neck):
    work = neck.scan(noise=2.0).in_work_order()
    cover, _ = reorient_array(neck.cord, neck.grid, "SAR")
    piece = cord_slices(work.data, cover, work.grid.spacing)[2]
    fit = fit_butterfly(piece, butterfly_model())
    nonsense = 1.0 - fit.cover
    combined = combine_evidence(piece, fit, PHYSICAL_EDGE, nonsense)
    truth = reorient_array(neck.grey, neck.grid, "SAR")[0][piece.index][piece.box]
    inner = piece.depth_mm > 1.0
    assert dice((combined >= 0.5)[inner], (truth >= 0.5)[inner]) > 0.9


def test_grey_matter_stays_in_the_cord(neck):
    found = segment_grey_matter(neck.scan(), neck.cord, neck.centerline)
    assert (found.soft <= neck.cord + 1e-6).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cord_mask": np.zeros((3, 3, 3))}, "shape"),
        ({"cord_mask": None}, "no cross-section"),
        ({"slice_levels": [4, 4]}, "each of the 5 axial slices"),
        ({"edge_level": 0.0}, "edge level"),
        ({"other_soft": np.zeros((2, 2, 2))}, "other grey-matter map"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(neck, change, said):
    scan = neck.scan()
    mask = change.pop("cord_mask", neck.cord) if "cord_mask" in change else neck.cord
    mask = np.zeros(scan.grid.shape) if mask is None else mask
    with pytest.raises(InputError, match=said) as refusal:
        segment_grey_matter(scan, mask, neck.centerline, **change)
    assert "\n" not in str(refusal.value)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("image", "reference", "at_least"),
    [("t2s/t2s", "t2s/t2s_gmseg_manual", 0.875), ("t2s/t2s_uncropped", "t2s/t2s_uncropped_gmseg_manual", 0.87)],
)
def test_hand_drawn_grey_matter_is_met_without_a_click(sct_testing, image, reference, at_least):
    scan = load_scan(sct_testing / f"{image}.nii.gz")
    truth = load_scan(sct_testing / f"{reference}.nii.gz")
    cord = segment_cord(scan)
    found = segment_grey_matter(scan, cord.soft, cord.centerline)
    assert dice(found.mask > 0, np.asarray(truth.data) >= 0.5) >= at_least


@pytest.mark.realdata
def test_grey_matter_on_coarse_pixels_is_drawn_with_a_warning(sct_testing):
    scan = load_scan(sct_testing / "mt" / "mt1.nii.gz")
    cord = segment_cord(scan)
    found = segment_grey_matter(scan, cord.soft, cord.centerline)
    assert found.measurable
    assert found.flags == ("grey matter on pixels of 0.84 mm: its area leans on the expected shape",)
    assert (areas_mm2(found.soft, scan.grid) / areas_mm2(cord.soft, scan.grid)).mean() == pytest.approx(0.19, abs=0.05)


@pytest.mark.realdata
@pytest.mark.parametrize("image", ["t2/t2", "mt/label/template/PAM50_t1", "dmri/dwi_mean"])
def test_scans_that_show_no_grey_matter_say_so(sct_testing, image):
    scan = load_scan(sct_testing / f"{image}.nii.gz")
    cord = segment_cord(scan)
    found = segment_grey_matter(scan, cord.soft, cord.centerline)
    assert not found.measurable
    assert found.flags == (NOT_MEASURABLE,)
