"""What the confidence of a slice says, and that it falls where the outline is worse."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.confidence import MIN_CONFIDENCE, confidence_of
from napari_spinalq.cord.polar import ANGLES
from napari_spinalq.cord.refine import Outlines

PIXEL_MM = 0.5


def outlines(edge=0.6, apart_mm=0.1, n=6):
    radii = np.full((n, ANGLES), 5.0)
    return Outlines(np.zeros((n, 2)), radii, np.full((n, ANGLES), edge), 1, radii + apart_mm)


def of(found, kept=None):
    kept = np.ones(len(found.radii_mm), bool) if kept is None else kept
    return confidence_of(found, kept, PIXEL_MM)


def test_slices_without_cord_have_none():
    kept = np.array([True] * 4 + [False] * 2)
    found = of(outlines(edge=0.1), kept)
    assert np.isnan(found.probability[4:]).all()
    assert np.isnan(found.area_error_percent[4:]).all()
    assert np.isfinite(found.probability[:4]).all()
    assert not found.low[4:].any()


def test_a_clear_edge_where_it_was_expected_is_trusted():
    found = of(outlines())
    assert (found.probability > 0.95).all()
    assert (found.area_error_percent < 15).all()
    assert not found.low.any()
    assert len(found.worst_first()) == 0


@pytest.mark.parametrize("worse", [{"edge": 0.05}, {"edge": 0.2}, {"apart_mm": 1.5}])
def test_a_weak_or_unexpected_edge_is_trusted_less_and_widens_the_interval(worse):
    clear, doubtful = of(outlines()), of(outlines(**worse))
    assert (doubtful.probability < clear.probability).all()
    assert (doubtful.area_error_percent > clear.area_error_percent).all()


def test_a_slice_drawn_from_its_neighbours_is_looked_at_in_any_case():
    shown = np.array([True, True, False, True, True, True])
    found = confidence_of(outlines(), np.ones(6, bool), PIXEL_MM, shown)
    assert np.flatnonzero(found.low).tolist() == [2]


def test_the_least_certain_slice_comes_first():
    found = outlines()
    found.edges[1], found.edges[4] = 0.15, 0.05
    doubtful = of(replace(found, expected_mm=found.radii_mm + 1.0))
    assert (doubtful.probability[[1, 4]] < MIN_CONFIDENCE).all()
    assert doubtful.worst_first()[:2].tolist() == [4, 1]
