"""The same place in two scans: necks of known length and shift."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Disc
from napari_spinalq.views.align import Course, same_place_mm, shared_discs


def _straight(length_mm: float, discs: dict[int, float], origin: tuple[float, float, float] = (0, 0, 0)) -> Course:
    steps = np.arange(0, length_mm + 0.5, 0.5)
    line = np.array(origin) + np.stack([0 * steps, 0 * steps, steps], axis=1)
    return Course(
        Centerline(line), tuple(Disc(number, (origin[0], origin[1] + 10, origin[2] + z)) for number, z in discs.items())
    )


def test_a_point_keeps_its_share_of_the_level_and_its_offset_from_the_cord():
    here = _straight(100, {3: 80, 4: 60, 5: 40})
    there = _straight(120, {4: 70, 5: 42, 6: 20}, origin=(3, -5, 200))
    assert shared_discs(here, there) == (4, 5)
    np.testing.assert_allclose(same_place_mm((2, 1, 50), here, there), (5, -4, 200 + 56), atol=1e-6)


def test_beyond_the_shared_discs_millimetres_are_kept():
    here, there = _straight(100, {4: 60, 5: 40}), _straight(120, {4: 70, 5: 42}, origin=(0, 0, 10))
    np.testing.assert_allclose(same_place_mm((0, 0, 75), here, there), (0, 0, 10 + 85), atol=1e-6)
    np.testing.assert_allclose(same_place_mm((0, 0, 30), here, there), (0, 0, 10 + 32), atol=1e-6)


def test_one_shared_disc_aligns_by_it():
    here, there = _straight(100, {4: 60}), _straight(100, {4: 30})
    np.testing.assert_allclose(same_place_mm((0, 0, 65), here, there), (0, 0, 35), atol=1e-6)


def test_without_a_shared_disc_it_says_so():
    with pytest.raises(InputError, match="share no disc"):
        same_place_mm((0, 0, 50), _straight(100, {4: 60}), _straight(100, {7: 60}))
