"""Before and after, on cylinders whose area is known."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.levels import per_level
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.quality.readers.change import STOP_AFTER, EditHistory, LevelChange, Verdict, level_changes, signed
from napari_spinalq.quality.readers.overlap import slice_overlap
from napari_spinalq.quality.readers.rescan import rescan_noise

GRID = Grid((20, 60, 60), np.array([[0, 0, 0.5, 0], [0, 0.5, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]]))
"""Work order, slices of 2 mm, pixels of 0.25 mm2."""

LEVELS = np.repeat([4, 3], 10)


def _block(rows):
    mask = np.zeros(GRID.shape, np.uint8)
    mask[:, 20 : 20 + rows, 20:36] = 1
    return mask


def _changes(before, after):
    measured = [per_level(slice_shapes(mask, GRID), LEVELS) for mask in (before, after)]
    return level_changes(*measured, slice_overlap(before, after))


def test_area_and_dice_before_and_after():
    before, after = _block(16), _block(16)
    after[:10, 36, 20:28] = 1  # 8 pixels more in every slice of C4
    upper, lower = _changes(before, after)
    assert (upper.name, lower.name) == ("C3", "C4")
    assert upper.verdict is Verdict.UNCHANGED
    assert lower.area_before_mm2 == pytest.approx(64.0, abs=0.02)
    assert lower.area_change_mm2 == pytest.approx(2.0, abs=0.05)
    assert lower.area_change_percent == pytest.approx(100 * 2 / 64, abs=0.1)
    assert lower.dice == pytest.approx(2 * 256 / (256 + 264))
    assert lower.verdict is Verdict.WITHIN


def test_a_change_beyond_rescan_noise():
    lower = _changes(_block(16), _block(20))[1]
    assert lower.area_change_mm2 == pytest.approx(16.0, abs=0.05)
    assert lower.verdict is Verdict.BEYOND


def test_a_level_that_lost_its_mask_is_kept_and_counts_as_beyond():
    after = _block(16)
    after[10:] = 0
    upper = _changes(_block(16), after)[0]
    assert upper.dice == 0.0
    assert np.isnan(upper.area_after_mm2)
    assert upper.verdict is Verdict.BEYOND


def _stands(area, dice):
    return LevelChange(4, dice, 75.0, area, rescan_noise(4, "area", 75.0))


def _hints(areas):
    history, said = EditHistory(), []
    for number, area in enumerate(areas):
        change = _stands(area, 1.0 - number * 0.01)
        history.note([change])
        said.append(history.hint(change))
    return said


def test_polishing_is_called_settled_after_enough_small_edits():
    said = _hints([75.0, 74.8, 74.6, 74.4])
    assert said[:STOP_AFTER] == [""] * STOP_AFTER
    assert said[STOP_AFTER].startswith("C4: last 3 edits −0.6 mm², within rescan noise (5.8 mm²)")


def test_a_leak_that_is_mended_stroke_by_stroke_is_not_called_settled():
    assert _hints([90.0, 87.0, 84.0, 81.0, 78.0]) == [""] * 5


def test_pauses_without_an_edit_do_not_count():
    history, change = EditHistory(), _stands(74.9, 0.99)
    history.note([_stands(75.0, 1.0)])
    assert history.note([change]) == (change,)
    for _ in range(5):
        assert history.note([change]) == ()
    assert history.hint(change) == ""


def test_a_structure_without_repeat_scans_gets_no_verdict():
    change = LevelChange(4, 0.9, 15.0, 16.0, None)
    assert change.verdict is Verdict.UNKNOWN
    assert EditHistory().hint(change) == ""


def test_signs():
    assert [signed(value) for value in (0.04, -0.04, 1.25, -2.0)] == ["0.0", "0.0", "+1.2", "−2.0"]
