"""The small pictures show the right slices, the right way round and in true proportions."""

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.worklist.thumbnails import (
    AXIAL_SIDE_MM,
    FLAGGED_RGB,
    OUTLINE_RGB,
    STRIP_MARGIN_MM,
    axial_mosaic,
    mosaic_slices,
    sagittal_strip,
)

SHAPE = (20, 60, 50)
SPACING_MM = (3.0, 0.5, 1.0)
RADIUS_MM = 5.0


def cord():
    """Return a round cord (mm) at the middle of y and x in slices 4 to 15."""
    z, y, x = np.indices(SHAPE)
    away_mm = np.hypot((y - 30) * SPACING_MM[1], (x - 25) * SPACING_MM[2])
    return ((away_mm <= RADIUS_MM) & (z >= 4) & (z < 16)).astype(np.uint8)


def outline(picture):
    return (picture == OUTLINE_RGB).all(axis=-1)


def extent(flags):
    held = np.flatnonzero(flags)
    return held[-1] - held[0] + 1


def test_slices_run_evenly_from_superior_to_inferior():
    assert mosaic_slices(cord(), 4) == (15, 11, 8, 4)
    assert mosaic_slices(cord(), 30) == tuple(range(15, 3, -1))


def test_wanted_slices_are_shown_in_any_case_and_no_more_than_half_the_tiles():
    chosen = mosaic_slices(cord(), 4, wanted=(9, 6, 12, 99))
    assert len(chosen) == 4
    assert {9, 6} <= set(chosen)
    assert 12 not in mosaic_slices(cord(), 4, wanted=(9, 6, 12))
    assert mosaic_slices(cord(), 4, wanted=(17,))[0] == 17, "a wanted slice may lie beyond the mask"


def test_a_round_cord_is_round_though_voxels_are_not():
    mosaic = axial_mosaic(np.zeros(SHAPE), cord(), SPACING_MM, columns=1, rows=1, tile_pixels=130)
    drawn = outline(mosaic.picture)
    pixels = 2 * RADIUS_MM * mosaic.tile_pixels / AXIAL_SIDE_MM
    assert extent(drawn.any(axis=1)) == pytest.approx(pixels, abs=6)
    assert extent(drawn.any(axis=0)) == pytest.approx(pixels, abs=6)


def test_the_right_of_the_patient_is_on_the_left_and_anterior_is_up():
    image = np.zeros(SHAPE)
    image[:, 40:, :] += 100  # anterior
    image[:, :, 35:] += 100  # right
    tile = axial_mosaic(image, cord(), SPACING_MM, columns=1, rows=1, tile_pixels=64).picture[..., 0].astype(int)
    assert tile[2, 32] > tile[-3, 32], "anterior is bright and up"
    assert tile[-3, 2] > tile[-3, -3], "the patient's right is bright and on the left"


def test_tiles_follow_the_cord():
    mask = np.zeros(SHAPE, np.uint8)
    for index in range(SHAPE[0]):
        mask[index, 10 + index : 18 + index, 5 + index : 12 + index] = 1
    mosaic = axial_mosaic(np.zeros(SHAPE), mask, SPACING_MM, columns=2, rows=2, tile_pixels=40)
    for row in range(2):
        for column in range(2):
            tile = outline(mosaic.picture[row * 40 : row * 40 + 40, column * 40 : column * 40 + 40])
            assert np.argwhere(tile).mean(axis=0) == pytest.approx([19.5, 19.5], abs=1.0)


def test_doubtful_slices_are_framed_and_no_others():
    layout = {"columns": 2, "rows": 2, "tile_pixels": 40}
    mosaic = axial_mosaic(np.zeros(SHAPE), cord(), SPACING_MM, wanted=(9,), doubtful=(9, 15), **layout)
    framed = [(mosaic.picture[row * 40, column * 40] == FLAGGED_RGB).all() for row in range(2) for column in range(2)]
    assert framed == list(mosaic.flagged)
    assert [index for index, flagged in zip(mosaic.slices, mosaic.flagged, strict=True) if flagged] == [15, 9]


def test_a_picture_is_whole_even_with_fewer_slices_than_tiles():
    mask = cord()
    mask[5:] = 0
    mosaic = axial_mosaic(np.zeros(SHAPE), mask, SPACING_MM, columns=3, rows=2, tile_pixels=20)
    assert mosaic.slices == (4,)
    assert mosaic.picture.shape == (40, 60, 3)
    assert not mosaic.picture[20:].any()


def test_the_strip_has_one_scale_and_superior_up_and_anterior_left():
    image = np.zeros(SHAPE)
    image[12:] += 100  # superior
    image[:, 40:] += 100  # anterior
    picture = sagittal_strip(image, cord(), SPACING_MM, height_pixels=261, width_pixels=90)
    drawn = outline(picture)
    pixels_per_mm = 260 / (11 * SPACING_MM[0] + 2 * STRIP_MARGIN_MM)
    width = extent(drawn.any(axis=0)) / pixels_per_mm
    height = extent(drawn.any(axis=1)) / pixels_per_mm
    assert width == pytest.approx(2 * RADIUS_MM, abs=0.8)
    assert height == pytest.approx(12 * SPACING_MM[0], abs=1.0)
    grey = picture[..., 0].astype(int)
    assert grey[40, 85] > grey[-40, 85]
    assert grey[-40, 2] > grey[-40, 85]


def test_the_strip_follows_a_cord_that_leaves_the_midline():
    mask, image = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE)
    for index in range(SHAPE[0]):
        mask[index, 28:32, 10 + index : 13 + index] = 1
        image[index, 28:32, 10 + index : 13 + index] = 100
    picture = sagittal_strip(image, mask, SPACING_MM, height_pixels=200, width_pixels=60)
    held = outline(picture).any(axis=1)
    assert held[30:-30].all()


def test_beyond_the_image_it_is_black_and_constant_images_do_no_harm():
    mask = np.zeros(SHAPE, np.uint8)
    mask[:, :4, :4] = 1
    mosaic = axial_mosaic(np.full(SHAPE, 7.0), mask, SPACING_MM, columns=1, rows=1, tile_pixels=40)
    assert not mosaic.picture[-3:].any()
    assert mosaic.picture.dtype == np.uint8


def test_an_empty_mask_is_refused():
    for draw in (axial_mosaic, sagittal_strip):
        with pytest.raises(InputError, match="empty"):
            draw(np.zeros(SHAPE), np.zeros(SHAPE, np.uint8), SPACING_MM)
