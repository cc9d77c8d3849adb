"""What a person did with each slice stands in the table per slice."""

import numpy as np
import pytest

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.review import with_review_rows
from napari_spinalq.metrics.shape import slice_shapes
from napari_spinalq.metrics.tidy import slice_table


@pytest.fixture
def table():
    mask = np.zeros((12, 12, 5), np.uint8)
    mask[3:9, 3:9] = 1
    return slice_table(slice_shapes(mask, Grid(mask.shape, np.eye(4))))


def test_each_slice_gets_one_row_and_edited_outweighs_checked(table):
    told = with_review_rows(table, checked=[1, 2], edited=[2, 4])
    review = told[told["metric"] == "review"].set_index("slice")["value"]
    assert review.to_dict() == {"0": 0, "1": 1, "2": 2, "3": 0, "4": 2}


def test_the_measures_stay_as_they_are(table):
    told = with_review_rows(table, [], [])
    assert told.iloc[: len(table)].equals(table)
    assert len(told) == len(table) + 5
