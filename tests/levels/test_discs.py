"""Discs: reading, refusing, naming the next, filling gaps, tables."""

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.levels.discs import (
    Disc,
    Labelling,
    Origin,
    check_discs,
    interpolate_missing,
    next_disc_number,
    parse_disc,
    with_gaps_filled,
)
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM
from napari_spinalq.levels.tables import discs_from_label_volume, discs_from_table, discs_to_table


def straight_cord(length_mm=200.0):
    return Centerline(np.array([[0.0, 0.0, z] for z in np.arange(0.0, length_mm + 0.25, 0.5)]))


def test_parse_disc_reads_name_and_place():
    assert parse_disc(" c2-c3 = 1.5, -2, 3e1") == Disc(3, (1.5, -2.0, 30.0), Origin.CLICKED)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("C2-C3", "write it as C2-C3=X,Y,Z"),
        ("C2-C4=1,2,3", "is not a disc"),
        ("C2C3=1,2,3", "is not a disc"),
        ("X9-Y1=1,2,3", "is not a vertebral level"),
        ("C2-C3=1,2", "three numbers"),
        ("C2-C3=a,b,c", "three numbers"),
        ("C2-C3=nan,0,0", "three numbers"),
    ],
)
def test_parse_disc_refuses_in_one_sentence(words, complaint):
    with pytest.raises(InputError, match=complaint) as refused:
        parse_disc(words)
    assert str(refused.value).count(".") - str(refused.value).count("..") <= 2


@pytest.mark.parametrize("number", [0, 1, 25])
def test_disc_needs_a_number_that_is_a_disc(number):
    with pytest.raises(InputError, match="not a disc"):
        Disc(number, (0, 0, 0))


@pytest.mark.parametrize(
    ("discs", "complaint"),
    [
        ([Disc(3, (0, 0, 50)), Disc(3, (0, 0, 30))], "C2-C3 is given twice, 20.0 mm apart"),
        ([Disc(3, (0, 0, 50)), Disc(4, (0, 0, 50.5))], "C2-C3 and C3-C4 lie at the same place"),
        ([Disc(3, (0, 0, 30)), Disc(4, (0, 0, 50))], "C3-C4 lies 20.0 mm above C2-C3"),
        ([Disc(3, (0, 0, 50)), Disc(9, (0, 0, 45))], "C2-C3 and T1-T2 lie 5.0 mm apart .* about 108 mm are usual"),
        ([Disc(3, (0, 0, 150)), Disc(4, (0, 0, 45))], "C2-C3 and C3-C4 lie 105.0 mm apart"),
    ],
)
@pytest.mark.parametrize("with_cord", [False, True])
def test_check_discs_refuses_and_names_both(discs, complaint, with_cord):
    with pytest.raises(InputError, match=complaint):
        check_discs(discs, straight_cord() if with_cord else None)


def test_check_discs_compares_along_the_cord_not_along_z():
    """A cord that leans 60 degrees: 18 mm along it are only 9 mm of height, and still possible."""
    lean = np.array([0.0, np.sin(np.radians(60)), np.cos(np.radians(60))])
    cord = Centerline(np.arange(0.0, 150.0, 0.5)[:, None] * lean)
    discs = [Disc(3 + i, tuple(lean * (100 - 18 * i))) for i in range(3)]
    check_discs(discs, cord)


def test_every_neighbouring_pair_of_the_template_passes():
    z = 500.0
    discs = []
    for number in range(2, 25):
        discs.append(Disc(number, (0, 0, z)))
        z -= TYPICAL_HEIGHT_MM[number]
    check_discs(discs)


def test_next_disc_number():
    named = [Disc(3, (0, 8, 50)), Disc(6, (0, 8, 0))]
    assert next_disc_number([]) == 3
    assert next_disc_number(named) == 7
    assert next_disc_number(named, (0, 8, -20)) == 7
    assert next_disc_number(named, (0, 8, 70)) == 2
    assert next_disc_number(named, (0, 8, 33)) == 4
    assert next_disc_number(named, (0, 8, 15)) == 5


def test_next_disc_number_refuses_where_no_disc_is_left():
    with pytest.raises(InputError, match="no disc above C1-C2"):
        next_disc_number([Disc(2, (0, 0, 0))], (0, 0, 10))
    with pytest.raises(InputError, match="no disc below L4-L5"):
        next_disc_number([Disc(24, (0, 0, 0))])
    with pytest.raises(InputError, match="no disc between C2-C3 and C3-C4"):
        next_disc_number([Disc(3, (0, 0, 20)), Disc(4, (0, 0, 0))], (0, 0, 10))


def test_interpolation_is_proportional_to_typical_heights():
    """Levels C7 to T3 of twice their typical height: the closed form is a sum of heights."""
    h = TYPICAL_HEIGHT_MM
    top = 190.0
    bottom = top - 1.2 * (h[7] + h[8] + h[9])
    filled = interpolate_missing([Disc(10, (3, 6, bottom)), Disc(7, (0, 9, top))], straight_cord())
    assert [d.number for d in filled] == [7, 8, 9, 10]
    assert [d.origin for d in filled] == [Origin.CLICKED, Origin.INTERPOLATED, Origin.INTERPOLATED, Origin.CLICKED]
    assert filled[1].position_mm[2] == pytest.approx(top - 1.2 * h[7])
    assert filled[2].position_mm[2] == pytest.approx(top - 1.2 * (h[7] + h[8]))
    fraction = h[7] / (h[7] + h[8] + h[9])
    assert filled[1].position_mm[:2] == pytest.approx((3 * fraction, 9 - 3 * fraction))


def test_gap_is_flagged_by_name():
    labelling = Labelling((Disc(3, (0, 8, 100)), Disc(5, (0, 8, 64))), confirmed=True)
    filled = with_gaps_filled(labelling, straight_cord())
    assert filled.numbers == (3, 4, 5)
    assert len(filled.flags) == 1
    assert filled.flags[0].startswith("C3-C4 not seen: interpolated")
    assert with_gaps_filled(filled, straight_cord()).flags == filled.flags


def test_table_round_trip():
    discs = (Disc(3, (1, 2, 3), Origin.DETECTED), Disc(4, (1.25, 2, -14), Origin.INTERPOLATED))
    table = discs_to_table(reversed(discs))
    assert list(table.columns) == ["name", "x_mm", "y_mm", "z_mm", "origin"]
    assert list(table["name"]) == ["C2-C3", "C3-C4"]
    assert discs_from_table(table) == discs


def test_table_refusals():
    with pytest.raises(InputError, match="no column 'z_mm'"):
        discs_from_table(pd.DataFrame({"name": ["C2-C3"], "x_mm": [0], "y_mm": [0]}))
    row = {"name": ["C2-C3"], "x_mm": ["here"], "y_mm": [0], "z_mm": [0]}
    with pytest.raises(InputError, match="row of C2-C3"):
        discs_from_table(pd.DataFrame(row))


def test_label_volume_gives_positions_and_skips_other_landmarks():
    grid = Grid((10, 11, 12), np.array([[-1, 0, 0, 5], [0, 2, 0, -3], [0, 0, 3, 1], [0, 0, 0, 1]]))
    data = np.zeros(grid.shape, np.uint8)
    data[4, 5, 9], data[4, 6, 3], data[1, 1, 11] = 3, 4, 50
    assert discs_from_label_volume(data, grid) == (Disc(3, (1, 7, 28)), Disc(4, (1, 9, 10)))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [({(0, 0, 0): 50}, "holds no disc"), ({(0, 0, 0): 31}, "value 31"), ({(0, 0, 0): 3, (9, 9, 9): 3}, "two places")],
)
def test_label_volume_refusals(values, complaint):
    data = np.zeros((10, 10, 10), np.uint8)
    for voxel, value in values.items():
        data[voxel] = value
    with pytest.raises(InputError, match=complaint):
        discs_from_label_volume(data, Grid((10, 10, 10), np.eye(4)))


@pytest.mark.realdata
def test_label_volume_of_the_template(sct_testing):
    from napari_spinalq.io.nifti import load_scan

    scan = load_scan(sct_testing / "template" / "PAM50_small_label_discPosterior.nii.gz")
    discs = discs_from_label_volume(scan.data, scan.grid)
    assert [d.number for d in discs] == list(range(2, 22))
    assert discs[1].position_mm == (0.0, 10.0, 179.5)
    check_discs(discs)
