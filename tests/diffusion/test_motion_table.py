import numpy as np

from napari_spinalq.diffusion.motion import Motion
from napari_spinalq.diffusion.motion_table import motion_flags, motion_table, volume_table


def example(**changes):
    shifts = np.arange(12.0).reshape(3, 2, 2)
    values = {
        "shifts_mm": shifts,
        "angles_deg": shifts[..., 0] / 10,
        "displacement_mm": np.array([0.0, 0.5, 2.0]),
        "outliers": np.array([False, False, True]),
        "group": np.array([0, 1, 1]),
        **changes,
    }
    return Motion(**values)


def test_long_form_has_a_row_for_each_slice_of_each_volume():
    table = motion_table(example(uncertainty_mm=np.full((3, 2, 2), 0.1), dropouts=np.eye(3, 2, dtype=bool)))
    assert len(table) == 6
    row = table.query("volume == 1 and slice == 0").iloc[0]
    assert (row.shift_ap_mm, row.shift_rl_mm, row.angle_deg, row.group) == (4.0, 5.0, 0.4, 1)
    assert list(table.columns) == [
        "volume", "slice", "group", "shift_ap_mm", "shift_rl_mm", "angle_deg", "uncertainty_ap_mm",
        "uncertainty_rl_mm", "dropout",
    ]  # fmt: skip
    assert table.dropout.tolist() == [True, False, False, True, False, False]


def test_columns_are_named_after_the_axes_of_the_slices():
    table = motion_table(example(axes=("superior", "anterior"), slice_axis="right"))
    assert {"shift_si_mm", "shift_ap_mm"} <= set(table.columns)
    assert table.shift_si_mm.tolist() == [0, 2, 4, 6, 8, 10]
    assert table.shift_ap_mm.tolist() == [1, 3, 5, 7, 9, 11]


def test_volumes_with_reasons():
    table = volume_table(example(reasons=("", "", "moved 2.0 mm since the volume before"), left_out=(2,)))
    assert table.outlier.tolist() == [False, False, True]
    assert table.left_out.tolist() == [False, False, True]
    assert table.reason[2].startswith("moved")
    assert volume_table(example()).reason.tolist() == ["", "", ""]


def test_flags_say_what_a_reader_must_know():
    calm = np.zeros((3, 2, 2))
    assert motion_flags(example(shifts_mm=calm, outliers=np.zeros(3, dtype=bool))) == ()
    assert motion_flags(example(shifts_mm=calm)) == ("volumes that stand out (counted from 0), kept: 2",)
    told = example(shifts_mm=calm, left_out=(2,), reasons=("", "", "moved 2.0 mm"))
    assert motion_flags(told) == ("volumes that stand out (counted from 0), left out: 2 (moved 2.0 mm)",)
    assert "moved by 11.0 mm" in motion_flags(example())[1]
