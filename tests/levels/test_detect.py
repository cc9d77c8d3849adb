"""Finding and naming discs on real scans, and on a drawn spine with known discs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.centerline import Centerline, fit_centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.io.nifti import load_mask, load_scan
from napari_spinalq.levels.detect import FROM_HEAD, UNCONFIRMED, label_discs
from napari_spinalq.levels.discs import Disc, Origin, disc_arcs_mm
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.tables import discs_from_label_volume
from napari_spinalq.scan import Scan

TOLERANCE_MM = 3.0


def cord_centerline(mask):
    work = mask.in_work_order()
    slices = np.flatnonzero(work.data.any(axis=(1, 2)))
    centres = [np.r_[z, np.argwhere(work.data[z] > 0).mean(axis=0)] for z in slices]
    return fit_centerline(work.grid.voxel_to_mm(centres))


def drawn_spine(*, fluid=1000.0, marrow=350.0, disc=600.0, plate=80.0, spacing=(1.0, 1.0, 1.0), seed=0):
    """Draw a neck from C3 to T2 with a bent cord: the scan, its centerline, and its discs C3-C4 to T1-T2."""
    heights = np.array([TYPICAL_HEIGHT_MM[n] for n in range(4, 9)])
    disc_z = 60.0 - np.r_[0.0, np.cumsum(heights)]
    shape = (round(150 / spacing[0]), round(80 / spacing[1]), round(50 / spacing[2]))
    affine = np.array([[0, 0, spacing[2], -25], [0, spacing[1], 0, -35], [spacing[0], 0, 0, -60], [0, 0, 0, 1.0]])
    grid = Grid(shape, affine)
    z, y, x = np.moveaxis(grid.voxel_to_mm(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)), -1, 0)[
        ::-1
    ]
    ahead = y - 4.0 * np.sin(z / 40.0)
    image = np.full(shape, 200.0)
    column = (ahead > 8.5) & (ahead < 25) & (np.abs(x) < 14)
    away = np.abs(z[..., None] - disc_z).min(axis=-1)
    image[column] = np.select([away < 1.8, away < 2.8], [disc, plate], marrow)[column]
    image[(ahead > -7) & (ahead < 7.5) & (np.abs(x) < 11)] = fluid
    image[(ahead**2 / 16 + x**2 / 36) < 1] = 500.0
    image = ndimage.gaussian_filter(image, 0.5) + np.random.default_rng(seed).normal(0, 15, shape)
    along = np.arange(-60.0, 90.0, 0.5)
    line = Centerline(np.stack([np.zeros_like(along), 4.0 * np.sin(along / 40.0), along], axis=1))
    discs = tuple(Disc(n, (0.0, 4 * np.sin(h / 40) + 8.5, h)) for n, h in zip(range(4, 10), disc_z, strict=True))
    return Scan(image, grid, Contrast.T2W), line, discs


def misses_mm(labelling, truth, centerline):
    """Distance along the cord between each true disc and the found one of its name."""
    found = {disc.number: disc for disc in labelling.discs}
    arcs = disc_arcs_mm(truth, centerline)
    return {
        disc.name: abs(float(disc_arcs_mm([found[disc.number]], centerline)[0]) - arc) if disc.number in found else 1e9
        for disc, arc in zip(truth, arcs, strict=True)
    }


@pytest.mark.parametrize("look", [{}, {"fluid": 150.0, "marrow": 800.0, "disc": 400.0}, {"disc": 90.0}])
@pytest.mark.parametrize("clicked", [0, 3, 5])
def test_one_click_names_a_drawn_spine(look, clicked):
    """T2w, T1w-like (dark fluid, bright marrow), and dark discs."""
    scan, line, truth = drawn_spine(**look)
    labelling = label_discs(scan, line, clicks=[truth[clicked]])
    assert labelling.confirmed
    assert max(misses_mm(labelling, truth, line).values()) < 2.0


def test_click_keeps_its_place_and_may_be_off():
    """A click 4 mm off along the cord, and to the side, still names all; it stays where it was made."""
    scan, line, truth = drawn_spine()
    click = replace(truth[2], position_mm=tuple(np.add(truth[2].position_mm, (6.0, 3.5, -4.0))))
    labelling = label_discs(scan, line, clicks=[click])
    kept = next(disc for disc in labelling.discs if disc.number == click.number)
    assert kept == click
    assert kept.origin is Origin.CLICKED
    others = {name: miss for name, miss in misses_mm(labelling, truth, line).items() if name != click.name}
    assert max(others.values()) < 2.0
    assert any(flag.startswith("C5-C6 was clicked") for flag in labelling.flags)


def test_several_clicks_are_all_kept():
    scan, line, truth = drawn_spine()
    clicks = [replace(truth[i], position_mm=tuple(np.add(truth[i].position_mm, (0, 1, 1.5)))) for i in (4, 1)]
    labelling = label_discs(scan, line, clicks=clicks)
    clicked = {disc for disc in labelling.discs if disc.origin is Origin.CLICKED}
    assert clicked == set(clicks)


def test_a_disc_that_cannot_be_seen_is_interpolated_and_flagged():
    scan, line, truth = drawn_spine()
    hidden = truth[2]
    z = scan.grid.voxel_to_mm(np.c_[np.arange(scan.grid.shape[0]), np.zeros((scan.grid.shape[0], 2))])[:, 2]
    gap = np.abs(z - hidden.position_mm[2]) < 7
    below, above = np.flatnonzero(gap)[[0, -1]] + [-1, 1]
    share = ((np.flatnonzero(gap) - below) / (above - below))[:, None, None]
    scan.data[gap] = (1 - share) * scan.data[below] + share * scan.data[above]
    labelling = label_discs(scan, line, clicks=[truth[0]])
    filled = next(disc for disc in labelling.discs if disc.number == hidden.number)
    assert filled.origin is Origin.INTERPOLATED
    assert any(flag.startswith(f"{hidden.name} not seen: interpolated") for flag in labelling.flags)
    assert max(misses_mm(labelling, truth, line).values()) < TOLERANCE_MM


def test_without_click_names_are_unconfirmed():
    scan, line, _ = drawn_spine()
    labelling = label_discs(scan, line)
    assert not labelling.confirmed
    assert UNCONFIRMED in labelling.flags


@pytest.mark.parametrize("codes", ["RAS", "LPI", "PIR", "ASL"])
def test_axis_order_of_the_file_does_not_matter(codes):
    scan, line, truth = drawn_spine()
    expected = label_discs(scan, line, clicks=[truth[1]])
    turned = label_discs(scan.reoriented(codes), line, clicks=[truth[1]])
    assert [disc.number for disc in turned.discs] == [disc.number for disc in expected.discs]
    np.testing.assert_allclose(
        [disc.position_mm for disc in turned.discs], [disc.position_mm for disc in expected.discs], atol=1e-3
    )


def test_thick_slices_give_estimates_that_say_so():
    scan, line, truth = drawn_spine(spacing=(6.0, 1.0, 1.0))
    labelling = label_discs(scan, line, clicks=[truth[2]])
    assert {disc.origin for disc in labelling.discs} == {Origin.CLICKED, Origin.ESTIMATED}
    assert "6.0 mm" in labelling.flags[0]
    assert max(misses_mm(labelling, truth, line).values()) < 1.0, "the drawn levels have the typical heights"
    alone = label_discs(scan, line)
    assert alone.discs == ()
    assert not alone.confirmed
    assert "unconfirmed" in alone.flags[0]


def test_slices_half_as_tall_as_discs_need_a_click_and_say_so():
    scan, line, truth = drawn_spine(spacing=(4.0, 1.0, 1.0))
    labelling = label_discs(scan, line, clicks=[truth[2]])
    assert labelling.confirmed
    assert any("4.0 mm" in flag for flag in labelling.flags)
    assert max(misses_mm(labelling, truth, line).values()) < TOLERANCE_MM
    alone = label_discs(scan, line)
    assert not alone.confirmed
    assert UNCONFIRMED in alone.flags


def test_narrow_field_of_view_has_no_discs_but_says_why():
    scan, line, _ = drawn_spine()
    narrow = Scan(scan.data[:, 25:50].copy(), scan.grid.cropped((0, 25, 0), (150, 25, 50)), Contrast.T2W)
    labelling = label_discs(narrow, line)
    assert labelling.discs == ()
    assert "does not show the vertebral column" in labelling.flags[0]


def test_noise_has_no_confirmed_discs():
    scan, line, _ = drawn_spine()
    noise = replace(scan, data=np.random.default_rng(3).normal(100, 10, scan.grid.shape))
    assert not label_discs(noise, line).confirmed
    empty = label_discs(replace(scan, data=np.zeros(scan.grid.shape)), line)
    assert empty.discs == ()
    assert not empty.confirmed


def test_progress_runs_to_the_end():
    scan, line, truth = drawn_spine()
    seen = []
    label_discs(scan, line, clicks=[truth[0]], progress=lambda fraction, phrase: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize(
    ("clicks", "complaint"),
    [
        ([Disc(4, (0, 10, 300))], "C3-C4 at 0.0, 10.0, 300.0 mm lies outside the scan"),
        ([Disc(4, (0, 10, 40)), Disc(5, (0, 10, 60))], "C4-C5 lies 19.* mm above C3-C4"),
        ([Disc(4, (0, 10, 40)), Disc(4, (0, 10, 60))], "C3-C4 is given twice"),
        ([Disc(4, (0, 10, 40)), Disc(5, (0, 10, 40.2))], "same place"),
        ([Disc(3, (0, 10, 45)), Disc(9, (0, 10, 40))], "C2-C3 and T1-T2 lie .* mm apart"),
    ],
)
def test_impossible_clicks_are_refused(clicks, complaint):
    scan, line, _ = drawn_spine()
    with pytest.raises(InputError, match=complaint):
        label_discs(scan, line, clicks=clicks)


def test_click_far_from_the_cord_is_refused():
    scan, line, _ = drawn_spine()
    away = replace(line, points_mm=line.points_mm - np.array([0, 30, 0]))
    with pytest.raises(InputError, match="mm from the cord; click the disc itself"):
        label_discs(scan, away, clicks=[Disc(4, (0, 40, 40))])


def sample_exam(subject):
    """A shipped digital scan, the centerline of its true cord, and its true discs in view."""
    import pandas as pd

    folder = Path(__file__).parents[2] / "sample_data"
    truth = folder / "derivatives" / "truth" / f"sub-{subject}" / "anat"
    scan = load_scan(folder / f"sub-{subject}" / "anat" / f"sub-{subject}_T2w.nii.gz")
    rows = pd.read_csv(truth / f"sub-{subject}_discs.tsv", sep="\t").itertuples()
    discs = tuple(Disc(int(row.number), (row.x_mm, row.y_mm, row.z_mm)) for row in rows)
    seen = tuple(disc for disc in discs if disc.number >= 3 and scan.grid.contains(disc.position_mm))
    return scan, cord_centerline(load_mask(truth / f"sub-{subject}_T2w_label-cord_mask.nii.gz")), seen


@pytest.mark.slow
@pytest.mark.parametrize("subject", ["healthy01", "als01"])
def test_digital_exam_with_any_click_and_without(subject):
    scan, centerline, truth = sample_exam(subject)
    assert len(truth) == 7
    for click in truth:
        labelling = label_discs(scan, centerline, clicks=[click])
        assert labelling.confirmed
        assert max(misses_mm(labelling, truth, centerline).values()) <= TOLERANCE_MM
    assert max(misses_mm(label_discs(scan, centerline), truth, centerline).values()) <= TOLERANCE_MM


def template(sct_testing):
    folder = sct_testing / "template"
    labels = load_scan(folder / "PAM50_small_label_discPosterior.nii.gz")
    truth = tuple(disc for disc in discs_from_label_volume(labels.data, labels.grid) if disc.number >= 3)
    return (
        load_scan(folder / "PAM50_small_t2.nii.gz"),
        cord_centerline(load_mask(folder / "PAM50_small_cord.nii.gz")),
        truth,
    )


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("clicked", [3, 4, 8, 13, 18, 21])
def test_nineteen_of_nineteen_on_the_template(sct_testing, clicked):
    scan, centerline, truth = template(sct_testing)
    assert len(truth) == 19
    labelling = label_discs(scan, centerline, clicks=[truth[clicked - 3]])
    misses = misses_mm(labelling, truth, centerline)
    assert max(misses.values()) <= TOLERANCE_MM
    assert np.mean(list(misses.values())) < 1.0
    assert labelling.numbers == tuple(range(2, 22))


@pytest.mark.realdata
@pytest.mark.slow
def test_template_is_named_from_the_head(sct_testing):
    scan, centerline, truth = template(sct_testing)
    labelling = label_discs(scan, centerline)
    assert labelling.confirmed
    assert FROM_HEAD in labelling.flags
    assert max(misses_mm(labelling, truth, centerline).values()) <= TOLERANCE_MM


@pytest.mark.realdata
@pytest.mark.slow
def test_template_without_its_head_is_not_confirmed(sct_testing):
    scan, centerline, _ = template(sct_testing)
    work = scan.in_work_order()
    cropped = replace(work, data=work.data[:200].copy(), grid=work.grid.cropped((0, 0, 0), (200, 70, 70)))
    below = centerline.points_mm[centerline.points_mm[:, 2] < 120]
    labelling = label_discs(cropped, Centerline(below))
    assert not labelling.confirmed
    assert UNCONFIRMED in labelling.flags


@pytest.mark.realdata
def test_small_real_scan(sct_testing):
    """60 x 55 x 52 voxels of 1 mm with two whole discs beside the clicked one, seen at z = 33 and -3 mm."""
    scan = load_scan(sct_testing / "t2" / "t2.nii.gz")
    centerline = cord_centerline(load_mask(sct_testing / "t2" / "t2_seg-manual.nii.gz"))
    labelling = label_discs(scan, centerline, clicks=[Disc(4, (-7.0, 12.0, 15.0))])
    heights = {disc.name: disc.position_mm[2] for disc in labelling.discs}
    assert heights["C2-C3"] == pytest.approx(33, abs=TOLERANCE_MM)
    assert heights["C4-C5"] == pytest.approx(-3, abs=TOLERANCE_MM)
    assert not label_discs(scan, centerline).confirmed
