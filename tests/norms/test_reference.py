"""Healthy reference: the numbers are those of the people measured, and nothing is claimed where there are none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.io.participants import Sex
from napari_spinalq.norms.along import band_along
from napari_spinalq.norms.reference import MIN_PEOPLE, LevelNorm, Reference, _pooled, reference_of, why_no_reference
from napari_spinalq.norms.words import percentile_of, place_in_words

T2W = Contrast.T2W
SCT_NAMES = {
    "area_mm2": "MEAN(area)",
    "diameter_ap_ellipse_mm": "MEAN(diameter_AP)",
    "diameter_rl_mm": "MEAN(diameter_RL)",
    "eccentricity": "MEAN(eccentricity)",
    "solidity": "MEAN(solidity)",
}


def test_women_men_and_both():
    women, men, both = (reference_of("area_mm2", T2W, sex=sex).levels[3] for sex in (Sex.FEMALE, Sex.MALE, None))
    assert (women.people, women.mean, women.sd) == (89, 70.0383, 6.3571)
    assert (men.people, men.mean, men.sd) == (106, 74.4402, 6.765)
    assert both.people == 195
    assert women.mean < both.mean < men.mean
    assert both.sd > max(women.sd, men.sd), "the difference between women and men widens the common spread"


def test_groups_put_together_equal_the_people_put_together():
    rng = np.random.default_rng(3)
    groups = {"F": rng.normal(70, 6, 40), "M": rng.normal(75, 7, 55)}
    rows = pd.DataFrame({"n": len(x), "mean": x.mean(), "sd": x.std(ddof=1)} for x in groups.values())
    people = np.concatenate(list(groups.values()))
    pooled = _pooled(rows)
    assert (pooled.people, pooled.mean) == (95, pytest.approx(people.mean()))
    assert pooled.sd == pytest.approx(people.std(ddof=1))


@pytest.mark.parametrize("sex", [None, *Sex])
@pytest.mark.parametrize("attribute", SCT_NAMES)
def test_levels_of_too_few_people_give_no_range(attribute, sex):
    levels = reference_of(attribute, T2W, sex=sex).levels
    assert min(norm.people for norm in levels.values()) >= MIN_PEOPLE
    assert list(levels)[:10] == list(range(1, 11)), "C1 to T3 are well covered"
    assert 20 not in levels


def test_the_label_says_who_they_are():
    assert reference_of("area_mm2", T2W).label == "healthy 95 % range, T2w, 196 adults 20–56 y"
    assert reference_of("area_mm2", T2W, sex=Sex.FEMALE).label == "healthy 95 % range, T2w, 89 women 20–42 y"


@pytest.mark.parametrize("contrast", [one for one in Contrast if one is not T2W])
def test_other_contrasts_have_none_and_the_reason_is_said(contrast):
    assert reference_of("area_mm2", contrast) is None
    assert why_no_reference("area_mm2", contrast) == f"no reference for {contrast.label}"


def test_other_structures_and_measures_have_none():
    assert reference_of("area_mm2", T2W, structure="gm") is None
    assert reference_of("diameter_ap_mm", T2W) is None, "measured over the central 3 mm, the reference as an ellipse"


def test_the_diameters_of_the_reference_are_those_of_an_ellipse():
    """The mean area is that of the ellipse of the mean diameters, which a diameter over the central 3 mm would miss."""
    area, ap, rl = (reference_of(name, T2W) for name in ("area_mm2", "diameter_ap_ellipse_mm", "diameter_rl_mm"))
    for level in range(1, 11):
        ellipse = np.pi / 4 * ap.levels[level].mean * rl.levels[level].mean
        assert ellipse == pytest.approx(area.levels[level].mean, rel=0.02)


def test_z_and_the_range_it_bounds():
    norm = LevelNorm(100, 70.0, 5.0)
    assert norm.z([60.0, 70.0, 77.5]).tolist() == [-2.0, 0.0, 1.5]
    assert norm.central_95 == pytest.approx((60.2, 79.8))
    assert percentile_of(float(norm.z(norm.central_95[0]))) == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize(("z", "words"), [(-2.0, "below the 2.5th"), (0.0, "within"), (2.0, "above the 97.5th")])
def test_the_words_place_a_value_and_judge_nobody(z, words):
    assert words in place_in_words(z)
    assert "abnormal" not in place_in_words(z)


def test_the_band_stands_at_the_middles_and_goes_straight_between_them():
    norms = {3: LevelNorm(100, 70.0, 5.0), 4: LevelNorm(100, 80.0, 10.0)}
    band = band_along(Reference(norms, None, 100, 20, 56), {2: (-18.0, 0.0), 3: (0.0, 16.0), 4: (16.0, 34.0)})
    np.testing.assert_allclose(band.along_mm, [0, 8, 25, 34])
    np.testing.assert_allclose((band.lower + band.upper) / 2, [70, 70, 80, 80])
    np.testing.assert_allclose((band.upper - band.lower) / 2, 1.96 * np.array([5, 5, 10, 10]))


def test_no_level_of_the_reference_no_band():
    reference = reference_of("area_mm2", T2W)
    assert band_along(reference, {20: (0.0, 20.0)}) is None
    assert band_along(reference, {}) is None


@pytest.mark.realdata
def test_the_table_holds_the_summary_it_was_made_from(shared: Path):
    source = pd.read_csv(shared / "norms" / "norms_level_sex.csv")
    source = source.query("kind == 'spinal_cord' and contrast == 'T2w'").set_index(["metric", "level", "sex"])
    table = pd.read_csv(Path(__file__).parents[2] / "napari_spinalq" / "norms" / "cord_t2w.csv")
    names = {ours: theirs.removeprefix("MEAN(").removesuffix(")") for ours, theirs in SCT_NAMES.items()}
    assert len(table) == 5 * 19 * 2
    for row in table.itertuples():
        own = source.loc[(names[row.metric], row.level, row.sex)]
        assert (row.n, row.mean, row.sd) == (own["N"], own["mean"], own["sd"])
        assert (row.age_min, row.age_max) == (own["age_min"], own["age_max"])
