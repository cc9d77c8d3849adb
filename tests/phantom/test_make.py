from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.errors import Cancelled, InputError
from napari_spinalq.geometry import to_work_order
from napari_spinalq.phantom import ExamDesign, TractChange, als_like_design, healthy_design, make_exam, second_visit
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.vertebrae import level_number


def _measured_areas(exam, name, structure):
    """Area of each true slice from the soft mask, corrected for the angle of the cord."""
    grid, truth = exam.scans[name].grid, exam.truth[name]
    work, work_grid = to_work_order(getattr(truth, structure), grid)
    pixel = work_grid.spacing[1] * work_grid.spacing[2]
    counted = work.sum(axis=(1, 2), dtype=float)[truth.areas["slice"].to_numpy()]
    return counted * pixel * np.cos(np.radians(truth.areas["angle_deg"].to_numpy()))


@pytest.mark.parametrize("name", ["t2star", "mt_off", "dwi"])
def test_integrated_areas_of_thick_slices_are_the_closed_form(name, clean_exam):
    areas = clean_exam.truth[name].areas
    assert len(areas) == to_work_order(clean_exam.scans[name].data, clean_exam.scans[name].grid)[1].shape[0]
    assert _measured_areas(clean_exam, name, "cord") == pytest.approx(areas["cord_area_slab_mm2"].to_numpy(), rel=0.005)
    assert _measured_areas(clean_exam, name, "grey_matter") == pytest.approx(
        areas["gm_area_slab_mm2"].to_numpy(), rel=0.01
    )


def test_integrated_areas_of_the_sagittal_scan_are_the_closed_form(slab_exam):
    areas = slab_exam.truth["t2w"].areas
    assert len(areas) > 150
    assert areas["angle_deg"].max() > 10
    assert _measured_areas(slab_exam, "t2w", "cord") == pytest.approx(areas["cord_area_slab_mm2"].to_numpy(), rel=0.005)
    # 0.8 mm voxels hold few samples of the slender horns
    assert _measured_areas(slab_exam, "t2w", "grey_matter") == pytest.approx(
        areas["gm_area_slab_mm2"].to_numpy(), rel=0.02
    )


def test_slices_where_the_cord_leaves_the_view_have_no_row(clean_design, small_slab):
    narrow = replace(small_slab, shape=(24, 24, 190))
    exam = make_exam(clean_design, protocols=(narrow,))
    areas = exam.truth["t2w"].areas
    assert 20 < len(areas) < 150
    assert _measured_areas(exam, "t2w", "cord") == pytest.approx(areas["cord_area_slab_mm2"].to_numpy(), rel=0.005)


def test_soft_masks_hold_partial_volume_and_nest(clean_exam):
    truth = clean_exam.truth["t2star"]
    assert truth.cord.min() == 0
    assert truth.cord.max() == pytest.approx(1)
    assert np.mean((truth.cord > 0.01) & (truth.cord < 0.99)) > 0.002
    parts = truth.grey_matter + sum(truth.tracts.values())
    assert parts == pytest.approx(truth.cord, abs=1e-5)


def test_grids_are_stored_as_scanners_do(clean_exam, slab_exam):
    assert slab_exam.scans["t2w"].grid.axis_codes == "PIR"
    assert slab_exam.scans["t2w"].grid.spacing == pytest.approx((0.8, 0.8, 0.8))
    axial = clean_exam.scans["t2star"].grid
    assert axial.axis_codes == "LAS"
    assert axial.spacing == pytest.approx((0.5, 0.5, 5.0))
    assert 4 < axial.obliquity_deg < 16
    assert clean_exam.scans["dwi"].volumes == 35
    assert {name: scan.contrast for name, scan in clean_exam.scans.items()} == {
        "t2star": Contrast.T2STAR,
        "psir": Contrast.PSIR,
        "mt_on": Contrast.MT,
        "mt_off": Contrast.MT,
        "dwi": Contrast.DWI,
    }


def test_a_change_of_the_left_tract_is_on_the_patients_left(clean_exam):
    scan, truth = clean_exam.scans["t2star"], clean_exam.truth["t2star"]
    healthy = make_exam(replace(clean_exam.design, tract_changes={}), contrasts=("t2star",)).scans["t2star"]
    changed = np.argwhere(np.abs(scan.data.astype(int) - healthy.data) > 20)
    assert len(changed) > 100
    points = scan.grid.voxel_to_mm(changed)
    centre = clean_exam.anatomy.position(clean_exam.anatomy.curvilinear(points)[0])
    assert (points[:, 0] < centre[:, 0]).all()
    assert (truth.tracts["lateral_cst_left"][tuple(changed.T)] > 0).all()


def test_pure_voxels_have_the_signal_of_the_table_and_the_cord_no_texture(clean_exam):
    truth, scan = clean_exam.truth["psir"], clean_exam.scans["psir"]
    assert set(scan.data[truth.grey_matter > 0.9999]) == {55}
    assert set(scan.data[truth.tracts["white_matter"] > 0.9999]) == {170}


def test_psir_keeps_its_sign_and_magnitudes_are_positive(clean_exam):
    assert clean_exam.scans["psir"].data.min() < -200
    assert min(clean_exam.scans[name].data.min() for name in ("t2star", "mt_on", "dwi")) >= 0


def test_mtr_of_on_and_off_is_the_one_set_per_tract(clean_exam):
    on, off = (clean_exam.scans[name].data.astype(float) for name in ("mt_on", "mt_off"))
    tracts = clean_exam.truth["mt_on"].tracts
    for tract, expected in (("lateral_cst_left", 47.2 * 0.5), ("lateral_cst_right", 47.2), ("white_matter", 47.0)):
        pure = tracts[tract] > 0.999
        mtr = 100 * (off[pure] - on[pure]) / off[pure]
        assert mtr == pytest.approx(expected, abs=0.4)


def test_the_coil_cancels_in_the_ratio_of_an_mt_pair(clean_design):
    exam = make_exam(replace(clean_design, bias=0.25), contrasts=["mt_on", "mt_off"])
    on, off = (exam.scans[name].data.astype(float) for name in ("mt_on", "mt_off"))
    healthy = exam.truth["mt_on"].tracts["white_matter"] > 0.999
    assert np.ptp(off[healthy]) / off[healthy].mean() > 0.05  # the coil is uneven
    np.testing.assert_allclose(100 * (1 - on[healthy] / off[healthy]), 47.0, atol=0.5)  # rounded to whole numbers


def test_levels_change_at_the_true_discs(slab_exam):
    exam, grid = slab_exam, slab_exam.scans["t2w"].grid
    levels = exam.truth["t2w"].levels
    assert ((levels > 0) == (exam.truth["t2w"].cord >= 0.5)).all()
    for number, *on_cord in exam.discs[["number", "cord_x_mm", "cord_y_mm", "cord_z_mm"]].itertuples(index=False):
        tangent = exam.anatomy.tangent(exam.anatomy.cord.discs_mm[number])
        above, below = (np.array(on_cord) + step * tangent for step in (1.5, -1.5))
        if not grid.contains(np.stack([above, below])).all():
            continue
        voxels = np.rint(grid.mm_to_voxel(np.stack([above, below]))).astype(int)
        assert levels[tuple(voxels.T)].tolist() == [number - 1, number]


def test_slices_know_their_level(clean_exam):
    truth, grid = clean_exam.truth["t2star"], clean_exam.scans["t2star"].grid
    work, _ = to_work_order(truth.levels, grid)
    for row in truth.areas.itertuples():
        values, counts = np.unique(work[row.slice][work[row.slice] > 0], return_counts=True)
        assert values[counts.argmax()] == level_number(row.level)


def test_discs_lie_in_front_of_the_cord_inside_bright_disc_next_to_dark_ligament(slab_exam):
    discs = slab_exam.discs.set_index("disc")
    assert list(discs.index[:7]) == ["C1-C2", "C2-C3", "C3-C4", "C4-C5", "C5-C6", "C6-C7", "C7-T1"]
    assert (discs["y_mm"] - discs["cord_y_mm"]).between(6, 11).all()
    assert np.diff(discs["z_mm"]).max() < -13


def test_level_table_agrees_with_the_slices(slab_exam):
    areas = slab_exam.truth["t2w"].areas
    per_level = slab_exam.level_areas.set_index("level")
    for level in ("C3", "C4", "C5", "C6"):
        part = areas[areas["level"] == level]
        assert part["cord_area_slab_mm2"].mean() == pytest.approx(per_level.loc[level, "cord_area_mm2"], rel=0.005)


def test_same_design_same_voxels_other_noise_other_voxels(small_slab):
    thin = replace(small_slab, shape=(16, 24, 12))
    design = healthy_design(3)
    first, again = (make_exam(design, protocols=(thin,)).scans["t2w"] for _ in range(2))
    assert first.data.tobytes() == again.data.tobytes()
    other = make_exam(replace(design, noise_seed=99), protocols=(thin,)).scans["t2w"]
    assert other.grid == first.grid
    assert (other.data != first.data).mean() > 0.5


def test_leaving_out_a_contrast_does_not_change_the_others():
    design = healthy_design(3)
    small = [replace(p, shape=(16, 16, 3)) for p in PROTOCOLS if p.name in ("mt_on", "mt_off")]
    both = make_exam(design, protocols=small)
    one = make_exam(design, protocols=small, contrasts=("mt_off",))
    assert (both.scans["mt_off"].data == one.scans["mt_off"].data).all()


def test_noise_of_the_air_is_rayleigh(small_slab):
    design = replace(healthy_design(4), bias=0.0)
    in_front = replace(small_slab, shape=(30, 20, 60), anterior_mm=95.0, middle_mm=-10.0)
    exam = make_exam(design, protocols=(in_front,))
    air = exam.scans["t2w"].data.astype(float)
    assert air.mean() == pytest.approx(in_front.noise_sd * np.sqrt(np.pi / 2), rel=0.01)


def test_second_visit_is_the_same_person_later():
    first = als_like_design(5)
    later = second_visit(first, months=12)
    assert later.seed == first.seed
    assert later.noise_seed != first.noise_seed
    assert later.pose != first.pose
    a, b = first.anatomy(), later.anatomy()
    assert a.curve == b.curve
    assert a.cord.discs_mm == b.cord.discs_mm
    arc = a.cord.centres_mm
    assert b.cord.area_mm2(arc) / a.cord.area_mm2(arc) == pytest.approx(np.full(10, 1 - 12 * 0.002))
    assert b.cord.gm_area_mm2(arc) / a.cord.gm_area_mm2(arc) == pytest.approx(np.full(10, 1 - 24 * 0.002))
    assert second_visit(first, months=12) == later
    with pytest.raises(InputError, match="months"):
        second_visit(first, months=0)


def test_als_like_person_differs_as_designed():
    healthy, ill = ExamDesign(seed=2).anatomy(), als_like_design(2).anatomy()
    share = ill.cord.area_mm2(ill.cord.centres_mm) / healthy.cord.area_mm2(healthy.cord.centres_mm)
    assert share.argmin() + 1 == level_number("C6")
    assert share[5] == pytest.approx(0.82)
    assert share[0] == pytest.approx(1.0)


def test_wrong_names_are_refused():
    with pytest.raises(InputError, match="'flair' is no scan"):
        make_exam(healthy_design(1), contrasts=("flair",))
    with pytest.raises(InputError, match="is no tract"):
        ExamDesign(tract_changes={"optic_tract": TractChange()})
    with pytest.raises(InputError, match="positive"):
        TractChange(fa=0.0)


def test_progress_reaches_the_end_and_may_stop_the_work(small_slab):
    thin = replace(small_slab, shape=(8, 8, 4))
    seen = []
    make_exam(healthy_design(1), protocols=(thin,), progress=lambda fraction, phrase: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(fraction, phrase):
        raise Cancelled

    with pytest.raises(Cancelled):
        make_exam(healthy_design(1), protocols=(thin,), progress=stop)
