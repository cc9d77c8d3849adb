"""Rescan noise: the shipped figures against their source, and what is said where there is none."""

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.readers.rescan import rescan_noise


def test_smallest_detectable_change_is_that_of_weir():
    noise = rescan_noise(3, "area", 70.0)
    assert noise.smallest_detectable_change == pytest.approx(1.959964 * np.sqrt(2) * noise.within_sd, rel=1e-4)
    assert noise.borrowed_from == ""
    assert noise.pairs == 26


def test_a_level_without_repeat_scans_borrows_relative_noise_and_says_so():
    small, large = rescan_noise(8, "area", 45.0), rescan_noise(5, "area", 90.0)
    assert large.within_sd == pytest.approx(2 * small.within_sd)
    assert small.borrowed_from == "C1-C4"
    assert "no repeat scans of this level" in small.words
    assert 0.0137 < small.within_sd / 45.0 < 0.032  # between the quietest and the noisiest level


def test_a_metric_without_repeat_scans_is_refused():
    with pytest.raises(InputError, match="solidity"):
        rescan_noise(3, "solidity", 0.97)


@pytest.mark.realdata
def test_shipped_figures_are_the_pooled_ones(shared):
    source = pd.read_csv(shared / "norms" / "rescan_reliability.csv")
    for (level, metric), rows in source.groupby(["level", "metric"]):
        pooled = np.sqrt(np.average(rows["within_sd"] ** 2, weights=rows["pairs"]))
        found = rescan_noise(int(level[1:]), metric.lower(), 1.0)
        assert found.within_sd == pytest.approx(pooled, abs=5e-4)
        assert found.pairs == rows["pairs"].sum()
