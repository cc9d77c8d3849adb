import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.mt.mtr import FLOOR_SHARE, mtr, signal_floor


@pytest.fixture
def cord():
    mask = np.zeros((6, 6, 3), dtype=np.uint8)
    mask[2:4, 2:4] = 1
    return mask


def test_ratio_is_the_share_of_signal_that_the_pulse_takes(cord):
    off = np.full(cord.shape, 200.0)
    ratio = mtr(off * 0.53, off, mask=cord)
    assert ratio.dtype == np.float32
    assert ratio == pytest.approx(47.0, abs=1e-4)


def test_whole_numbers_do_not_overflow():
    on, off = np.array([100, 30000], dtype=np.int16), np.array([50, 32000], dtype=np.uint16)
    assert mtr(on, off, floor=0.0) == pytest.approx([-100.0, 6.25])


def test_air_is_unknown_and_never_infinite(cord):
    off = np.where(cord > 0, 200.0, 0.0)
    off[0, 0] = [0.0, 200 * FLOOR_SHARE, 200 * FLOOR_SHARE + 0.1]
    on = np.where(cord > 0, 100.0, 3.0)
    ratio = mtr(on, off, mask=cord)
    assert np.isnan(ratio[0, 0]).tolist() == [True, True, False]
    assert not np.isinf(ratio).any()
    assert not np.isinf(mtr(on, off, floor=-5.0)).any(), "a signal of zero is no reference, whatever the floor"


def test_negative_ratios_are_kept(cord):
    off = np.full(cord.shape, 100.0)
    on = np.where(cord > 0, 60.0, 110.0)
    assert mtr(on, off, mask=cord)[0, 0, 0] == pytest.approx(-10.0)


def test_floor_without_a_mask_follows_the_brightest_tissue():
    off = np.r_[np.full(90, 1.0), np.full(10, 300.0)]
    assert signal_floor(off) == pytest.approx(FLOOR_SHARE * 300)
    assert np.isnan(mtr(off / 2, off)[:90]).all()


def test_swapped_images_are_refused_in_words(cord):
    off = np.full(cord.shape, 200.0)
    with pytest.raises(InputError, match=r"brighter with the MT pulse.*swapped"):
        mtr(off, off * 0.5, mask=cord)


def test_what_does_not_fit_is_refused(cord):
    image = np.ones(cord.shape)
    with pytest.raises(InputError, match="different shapes"):
        mtr(image, image[:3])
    with pytest.raises(InputError, match="mask has the shape"):
        mtr(image, image, mask=cord[:2])
    with pytest.raises(InputError, match="is empty"):
        mtr(image, image, mask=cord * 0)
