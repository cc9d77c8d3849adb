"""The signal model of the MT protocol: closed form, and what the maps make of it without noise."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.mt.mtsat import mtsat
from napari_spinalq.mt.parameters import Excitation, MtParameters
from napari_spinalq.phantom import TractChange, healthy_design, make_exam
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.phantom.sidecars import excitation
from napari_spinalq.phantom.spoiled_echo import steady_signal, taken_for_ratio
from napari_spinalq.phantom.tract_truth import tract_truth

PARAMETERS = MtParameters(*(excitation(name) for name in ("mt_on", "mt_off", "mt_t1w")))


def test_without_pulse_the_signal_is_the_ernst_equation():
    decay, flip = np.exp(-0.035 / 0.9), np.radians(9)
    expected = np.sin(flip) * (1 - decay) / (1 - decay * np.cos(flip))
    assert steady_signal(0.9, Excitation(9, 0.035)) == pytest.approx(expected, rel=1e-12)


def test_saturation_is_the_limit_of_many_small_pulses():
    pulses, left = 500, 1.0
    for _ in range(500):
        signal = np.sin(np.radians(9)) * left
        left *= np.cos(np.radians(9))
        for _ in range(pulses):
            left = 1 + (left * (1 - 0.046 / pulses) - 1) * np.exp(-0.035 / 0.876 / pulses)
    assert steady_signal(0.876, Excitation(9, 0.035), 0.046) == pytest.approx(signal, rel=1e-3)


@pytest.mark.parametrize("ratio", [0.0, 10.0, 47.0, 80.0])
def test_the_pulse_for_a_ratio_gives_that_ratio(ratio):
    taken = taken_for_ratio(ratio, 0.9, Excitation(9, 0.035))
    on, off = steady_signal(0.9, Excitation(9, 0.035), taken), steady_signal(0.9, Excitation(9, 0.035))
    assert 100 * (1 - on / off) == pytest.approx(ratio, abs=1e-6)


@pytest.mark.parametrize("ratio", [-5.0, 99.9, 100.0])
def test_ratios_that_no_pulse_gives_are_refused(ratio):
    with pytest.raises(InputError, match="No MT pulse"):
        taken_for_ratio(ratio, 0.9, Excitation(9, 0.035))


def test_maps_of_the_clean_phantom_hold_the_truth_of_each_tract():
    changes = {"lateral_cst_left": TractChange(mtr=0.7)}
    design = replace(healthy_design(7), noise=0.0, bias=0.0, tract_changes=changes)
    small = [replace(p, shape=(24, 24, 4)) for p in PROTOCOLS if p.contrast == "mt"]
    exam = make_exam(design, protocols=small)
    found = mtsat(*(exam.scans[name].data for name in ("mt_on", "mt_off", "mt_t1w")), PARAMETERS)
    truth = tract_truth(design).set_index("tract")
    for name, share in exam.truth["mt_on"].tracts.items():
        pure = share > 0.999
        if not pure.any():
            continue
        assert np.median(found.mtsat[pure]) == pytest.approx(truth.loc[name, "mtsat_pu"], rel=0.02)
        assert np.median(found.t1_s[pure]) == pytest.approx(truth.loc[name, "t1_s"], rel=0.02)
    assert truth.loc["lateral_cst_left", "mtsat_pu"] < 0.6 * truth.loc["lateral_cst_right", "mtsat_pu"]
