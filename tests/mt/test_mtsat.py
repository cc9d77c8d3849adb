"""MTsat and T1 against steady states that are computed by repeating excitation, saturation and relaxation."""

from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.mt.mtsat import mtsat
from napari_spinalq.mt.parameters import Excitation, MtParameters

PROTOCOL = MtParameters(Excitation(9, 0.035), Excitation(9, 0.035), Excitation(15, 0.015))
"""Angles and times of common cord protocols at 3 T."""

T1_S, TAKEN = (a.ravel() for a in np.meshgrid([0.5, 0.86, 0.97, 1.3, 2.0], [0.002, 0.01, 0.03, 0.046, 0.06]))
AMPLITUDE = np.linspace(800.0, 2000.0, T1_S.size)


def steady(excitation, taken=0.0, *, t1_s=T1_S, amplitude=AMPLITUDE, field=1.0, pulses=40):
    """Return the signal after many repetitions; the saturation is split into pulses spread over each of them."""
    flip = np.radians(excitation.flip_deg) * field
    relaxation = np.exp(-excitation.repetition_s / pulses / t1_s)
    kept = np.exp(-np.asarray(taken) / pulses)  # the shares taken add up to `taken` as ever more pulses share them
    along = np.ones(t1_s.shape)
    for _ in range(600):
        before = along
        along = along * np.cos(flip)
        for _ in range(pulses):
            along = 1 + (along * kept - 1) * relaxation
    return amplitude * before * np.sin(flip)


@pytest.fixture(scope="module")
def signals():
    return steady(PROTOCOL.on, TAKEN), steady(PROTOCOL.off), steady(PROTOCOL.t1w)


def test_t1_and_saturation_of_a_simulated_steady_state_are_recovered(signals):
    found = mtsat(*signals, PROTOCOL)
    assert found.t1_s == pytest.approx(T1_S, rel=0.001)
    assert found.amplitude == pytest.approx(AMPLITUDE, rel=0.001)
    assert found.mtsat == pytest.approx(100 * TAKEN, rel=0.01)


def test_signal_without_saturation_is_the_ernst_equation():
    flip, decay = np.radians(9), np.exp(-0.035 / T1_S)
    ernst = AMPLITUDE * np.sin(flip) * (1 - decay) / (1 - decay * np.cos(flip))
    assert steady(PROTOCOL.off) == pytest.approx(ernst, rel=1e-6)


def test_one_pulse_halfway_takes_the_same_but_for_its_own_size():
    """A single pulse that leaves 1 - d acts as a saturation of -ln(1 - d): by d = 4.6 % that is 2.4 % more."""
    cord = {"t1_s": np.array([0.876]), "amplitude": np.array([1500.0])}
    halfway = steady(PROTOCOL.on, -np.log(1 - 0.046), pulses=2, **cord)
    found = mtsat(halfway, steady(PROTOCOL.off, **cord), steady(PROTOCOL.t1w, **cord), PROTOCOL)
    assert found.mtsat == pytest.approx(100 * 0.0471, rel=0.03)


def test_other_angles_and_times_of_each_image_are_used(signals):
    other = MtParameters(Excitation(6, 0.028), Excitation(5, 0.025), Excitation(20, 0.018))
    found = mtsat(steady(other.on, TAKEN), steady(other.off), steady(other.t1w), other)
    assert found.t1_s == pytest.approx(T1_S, rel=0.001)
    assert found.mtsat == pytest.approx(100 * TAKEN, rel=0.01)


def test_without_pulse_there_is_no_saturation(signals):
    _, off, t1w = signals
    assert mtsat(off, off, t1w, PROTOCOL).mtsat == pytest.approx(np.zeros(off.shape), abs=1e-3)


def test_scale_of_the_images_does_not_matter(signals):
    once, thrice = mtsat(*signals, PROTOCOL), mtsat(*(3 * image for image in signals), PROTOCOL)
    assert thrice.mtsat == pytest.approx(once.mtsat, rel=1e-6)
    assert thrice.t1_s == pytest.approx(once.t1_s, rel=1e-6)


@pytest.mark.parametrize("field", [0.85, 1.15])
def test_error_of_the_transmit_field_cancels_in_mtsat_and_is_corrected_in_t1(field):
    """The pulse takes in proportion to its power, so with the square of the field; that is what cancels."""
    images = [steady(PROTOCOL.on, TAKEN * field**2, field=field)]
    images += [steady(excitation, field=field) for excitation in (PROTOCOL.off, PROTOCOL.t1w)]
    plain = mtsat(*images, PROTOCOL)
    assert plain.t1_s == pytest.approx(T1_S * field**2, rel=0.01)
    assert plain.mtsat == pytest.approx(100 * TAKEN, rel=0.02)
    corrected = mtsat(*images, PROTOCOL, relative_b1=np.full(T1_S.shape, field))
    assert corrected.t1_s == pytest.approx(T1_S, rel=0.001)
    assert corrected.mtsat / plain.mtsat == pytest.approx(np.full(T1_S.shape, 0.6 / (1 - 0.4 * field)), rel=1e-5)


def test_what_cannot_be_known_is_nan_and_never_infinite():
    on, off, t1w = np.array([[60.0, 0, 60, 60, 60], [100.0, 100, 0, 100, 1], [90.0, 90, 90, 400, 0.9]])
    found = mtsat(on, off, t1w, PROTOCOL)
    for values in (found.mtsat, found.t1_s, found.amplitude):
        assert np.isfinite(values).tolist() == [True, False, False, False, False]


def test_what_does_not_fit_is_refused(signals):
    on, off, t1w = signals
    with pytest.raises(InputError, match="different shapes"):
        mtsat(on, off, t1w[:3], PROTOCOL)
    with pytest.raises(InputError, match="B1 map has the shape"):
        mtsat(on, off, t1w, PROTOCOL, relative_b1=np.ones(3))
    with pytest.raises(InputError, match="relative to the nominal field"):
        mtsat(on, off, t1w, PROTOCOL, relative_b1=np.full(on.shape, 98.0))
    with pytest.raises(InputError, match="T1 cannot be told"):
        replace(PROTOCOL, t1w=PROTOCOL.off)
