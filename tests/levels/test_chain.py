"""The chain of discs: known spacings must be found again, whatever the start."""

import numpy as np
import pytest

from napari_spinalq.levels.chain import Expected, Landmark, best_chain, chains_by_name
from napari_spinalq.levels.heights import TYPICAL_HEIGHT_MM

STEP_MM = 0.5


def spine(first, last, scale=1.0, top_mm=20.0, below_mm=20.0, missing=()):
    """Rewards with a peak at each disc of a spine of known scale, and the sample of each disc."""
    heights = [scale * TYPICAL_HEIGHT_MM[n] for n in range(first, last)]
    below_top = np.r_[0.0, np.cumsum(heights)]
    samples = np.round((below_top[-1] + below_mm - below_top) / STEP_MM).astype(int)
    n = int((below_top[-1] + below_mm + top_mm) / STEP_MM)
    reward = np.full(n, -2.0)
    for number, sample in zip(range(first, last + 1), samples, strict=True):
        if number not in missing:
            reward[max(0, sample - 3) : sample + 4] = [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0]
    return dict.fromkeys(range(2, 25), reward), dict(zip(range(first, last + 1), samples.tolist(), strict=True))


def click(rewards, sample, reach=8):
    score = np.full(len(rewards[3]), -np.inf)
    score[sample - reach : sample + reach + 1] = rewards[3][sample - reach : sample + reach + 1]
    return score


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.2])
@pytest.mark.parametrize("clicked", [3, 7, 12])
def test_one_disc_names_all(scale, clicked):
    rewards, truth = spine(3, 12, scale)
    chain = best_chain(rewards, STEP_MM, fixed={clicked: click(rewards, truth[clicked])})
    assert dict(zip(chain.numbers, chain.samples, strict=True)) == truth
    assert chain.scale == pytest.approx(scale, rel=0.05)


def test_a_wrong_name_shifts_all_others():
    """The click decides the name: calling C4-C5 C5-C6 moves every name down by one, and the image does not overrule."""
    rewards, truth = spine(4, 9)
    chain = best_chain(rewards, STEP_MM, fixed={6: click(rewards, truth[5])})
    named = dict(zip(chain.numbers, chain.samples, strict=True))
    assert named[6] == truth[5]
    assert named[7] == truth[6]


def test_a_missing_disc_keeps_its_place_in_the_row():
    rewards, truth = spine(3, 10, missing=(6,))
    chain = best_chain(rewards, STEP_MM, fixed={4: click(rewards, truth[4])})
    named = dict(zip(chain.numbers, chain.samples, strict=True))
    assert {n: s for n, s in named.items() if n != 6} == {n: s for n, s in truth.items() if n != 6}
    assert abs(named[6] - truth[6]) * STEP_MM < 4


def test_an_expected_stretch_ends_at_c2c3():
    """With room in view above, the row that begins at C2-C3 costs nothing; one that begins lower misses discs."""
    rewards, truth = spine(3, 8, top_mm=45.0)
    expected = Expected(0, len(rewards[3]) - 1, cost=1.5)
    best = chains_by_name(rewards, STEP_MM, expected=expected)[0]
    assert dict(zip(best.numbers, best.samples, strict=True)) == truth


def test_contradicting_places_give_no_chain():
    rewards, truth = spine(3, 8)
    fixed = {3: click(rewards, truth[5]), 5: click(rewards, truth[3])}
    assert best_chain(rewards, STEP_MM, fixed=fixed) is None


def test_a_landmark_names_a_row_that_nothing_else_names():
    """Without its head and with equal evidence everywhere, only the landmark tells C4-C5 from its neighbours."""
    rewards, truth = spine(5, 9, top_mm=8.0)
    above_first_mm = 40.0 + TYPICAL_HEIGHT_MM[3] + TYPICAL_HEIGHT_MM[4]
    head = truth[5] + round(above_first_mm / STEP_MM)
    best = chains_by_name(rewards, STEP_MM, landmark=Landmark(head, 40.0, 6.0))[0]
    assert dict(zip(best.numbers, best.samples, strict=True)) == truth
    higher = Landmark(head + round(TYPICAL_HEIGHT_MM[5] / STEP_MM), 40.0, 6.0)
    assert chains_by_name(rewards, STEP_MM, landmark=higher)[0].first == 6


def test_the_second_best_place_of_one_name_is_told():
    """A row one disc longer at its top can be begun at C2-C3 twice; both are given, the likelier first."""
    rewards, truth = spine(3, 10, top_mm=45.0)
    head = truth[3] + round(40.0 / STEP_MM)
    from_c2c3 = [
        chain for chain in chains_by_name(rewards, STEP_MM, landmark=Landmark(head, 40.0, 5.0)) if chain.first == 3
    ]
    assert len(from_c2c3) == 2
    assert from_c2c3[0].samples[0] == truth[3]
    assert abs(from_c2c3[1].samples[0] - truth[3]) * STEP_MM >= 8.0
    assert from_c2c3[1].score < from_c2c3[0].score


def test_a_disc_like_place_at_the_base_of_the_dens_does_not_shift_names():
    """The same row, with a fainter disc-like place one C2 above its top: alone it would be the better C2-C3."""
    rewards, truth = spine(3, 9, top_mm=60.0)
    dens = truth[3] + round(TYPICAL_HEIGHT_MM[2] / STEP_MM)
    seen = rewards[3].copy()
    seen[dens - 2 : dens + 3] = [0.5, 1.0, 1.5, 1.0, 0.5]
    head = truth[3] + round(40.0 / STEP_MM)
    chains = chains_by_name(dict.fromkeys(range(2, 25), seen), STEP_MM, landmark=Landmark(head, 40.0, 5.0))
    assert dict(zip(chains[0].numbers, chains[0].samples, strict=True)) == truth
