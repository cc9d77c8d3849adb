"""Pixels of the strip: black where there is no scan, masks over the grey values as their layers are shown."""

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.gui.along.scene import AREA, metrics_of, slice_words
from napari_spinalq.gui.along.strip_picture import Overlay, grey, painted_over
from napari_spinalq.metrics.spikes import SMALLEST_DEPARTURE
from napari_spinalq.norms.reference import reference_of


def test_grey_values_fill_the_window_and_nothing_is_black():
    values = np.array([[0.0, 50.0, 100.0, 300.0, np.nan]], np.float32)
    assert grey(values, (0.0, 100.0)).tolist() == [[0, 127, 255, 255, 0]]


def test_an_outline_is_the_rim_of_what_is_filled():
    inside = np.zeros((7, 7), bool)
    inside[1:6, 1:6] = True
    filled = painted_over((7, 7), [Overlay(inside, "#E69F00", 0.5, outline=False)])
    rim = painted_over((7, 7), [Overlay(inside, "#E69F00", 1.0, outline=True)])
    assert filled[3, 3].tolist() == [0xE6, 0x9F, 0x00, 128]
    assert (filled[..., 3] > 0).sum() == 25
    assert (rim[..., 3] > 0).sum() == 16
    assert rim[3, 3, 3] == 0


def test_later_masks_lie_over_earlier_ones():
    whole, part = np.ones((3, 3), bool), np.eye(3, dtype=bool)
    pixels = painted_over((3, 3), [Overlay(whole, "#000000", 1.0, False), Overlay(part, "#FFFFFF", 1.0, False)])
    assert pixels[1, 1, 0] == 255
    assert pixels[0, 1, 0] == 0


@pytest.mark.parametrize("structure", ["cord", "gm", "canal"])
def test_what_can_be_plotted_has_a_rule_for_spikes(structure):
    assert {metric.attribute for metric in metrics_of(structure)} <= set(SMALLEST_DEPARTURE)


def test_the_words_for_a_slice():
    reference = reference_of("area_mm2", Contrast.T2W)
    words = slice_words(12, 3, 40.0, AREA, ["edited", "spike"], reference)
    assert words == "slice 12 · C3 · 40.0 mm² · edited · spike · below the 2.5th percentile of the reference"
    assert slice_words(12, 0, float("nan"), AREA, [], reference) == "slice 12 · not drawn"
