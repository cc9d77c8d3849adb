"""The built-in atlas has the figures that it was drawn from, and looks like a cord."""

import numpy as np
import pytest

from napari_spinalq.anatomy.tract_figures import tract_figures
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.parts import PARTS

AXIS = np.linspace(-1, 1, 161)
X, Y = np.meshgrid(AXIS, AXIS, indexing="ij")


def shares(level):
    atlas = builtin_atlas()
    return dict(zip([tract.key for tract in atlas.tracts], atlas.shares(level, X, Y), strict=True))


@pytest.mark.parametrize("level", [1, 2, 4, 5, 7, 8, 13, 18, 19, 20])
def test_areas_and_centroids_are_those_of_the_figures(level):
    held = shares(level)
    cord = sum(share.sum() for key, share in held.items() if key != "csf")
    for part in PARTS:
        known, mass = tract_figures()[level][part.name], held[f"{part.name}_right"]
        assert mass.sum() / cord == pytest.approx(known.area_fraction, rel=0.05), part.name
        place = (mass * X).sum() / mass.sum(), (mass * Y).sum() / mass.sum()
        assert place == pytest.approx((known.x, known.y), abs=0.03), part.name


@pytest.mark.parametrize("level", [2, 4, 13])
def test_second_moments_are_those_of_the_figures(level):
    held = shares(level)
    for part in PARTS:
        known, mass = tract_figures()[level][part.name], held[f"{part.name}_right"]
        x, y = X - (mass * X).sum() / mass.sum(), Y - (mass * Y).sum() / mass.sum()
        spread = [(mass * product).sum() / mass.sum() for product in (x * x, y * y, x * y)]
        assert spread == pytest.approx([known.var_x, known.var_y, known.cov_xy], abs=0.003), part.name


@pytest.mark.parametrize("level", [1, 3.25, 7.5, 20])
def test_the_parts_divide_the_cord_and_nothing_lies_beyond(level):
    atlas = builtin_atlas()
    held = atlas.shares(level, X, Y)
    np.testing.assert_allclose(held.sum(axis=0), 1.0, atol=1e-5)
    assert held.min() >= 0
    np.testing.assert_array_equal(held[-1], (np.hypot(X, Y) > 1).astype(np.float32))


def test_left_is_left_and_the_mirror_image_of_right():
    for key, share in shares(5).items():
        if key.endswith("_left"):
            assert (share * X).sum() < 0
            np.testing.assert_allclose(share, shares(5)[key.replace("_left", "_right")][::-1], atol=1e-5)


@pytest.mark.parametrize("level", [2, 4, 7, 13])
def test_the_parts_lie_as_an_anatomist_expects(level):
    held = shares(level)
    place = {
        part.name: [(held[f"{part.name}_right"] * axis).sum() / held[f"{part.name}_right"].sum() for axis in (X, Y)]
        for part in PARTS
    }
    assert place["gracilis"][0] < place["cuneatus"][0], "gracilis lies medially"
    assert max(place["gracilis"][1], place["cuneatus"][1]) < -0.3, "the dorsal columns lie behind"
    assert place["lateral_cst"][0] > 0.5, "in the lateral funiculus"
    assert place["lateral_cst"][1] < -0.1, "and in its back part"
    assert place["ventral_cst"][0] < 0.15, "beside the midline"
    assert place["ventral_cst"][1] > 0.6, "and at the anterior fissure"
    assert place["spinocerebellar_ventral"][0] > 0.8, "at the lateral rim"
    assert place["ventral_horn"][1] > place["intermediate"][1] > place["dorsal_horn"][1]
    assert place["spinothalamic"][1] > place["rubrospinal"][1] > place["lateral_cst"][1]


def test_grey_matter_is_one_butterfly_per_level():
    """Each side of grey matter is one piece: no island is left by the division."""
    from scipy import ndimage

    for level in range(1, 21):
        held = shares(level)
        grey = sum(share for key, share in held.items() if "horn" in key or "intermediate" in key)
        labels, count = ndimage.label(grey > 0.5)
        sizes = np.sort(ndimage.sum(grey > 0.5, labels, range(1, count + 1)))
        assert sizes[:-2].sum() < 0.01 * sizes.sum(), level


def test_every_group_names_parts_that_exist():
    atlas = builtin_atlas()
    keys = {tract.key for tract in atlas.tracts}
    for group in atlas.groups:
        assert set(group.members) <= keys
    names = {group.key for group in atlas.groups}
    wanted = {"cord", "white_matter", "grey_matter", "dorsal_columns", "lateral_cst", "ventral_cst"}
    sided = {
        f"{name}_{side}"
        for name in ("dorsal_columns", "lateral_funiculi", "ventral_funiculi", "white_matter", "grey_matter")
        for side in ("left", "right")
    }
    assert wanted | sided <= names
    assert len(names | keys) == len(names) + len(keys), "a key names one thing"


def test_both_sides_of_a_tissue_make_it_up():
    groups = {group.key: group for group in builtin_atlas().groups}
    sides = {tract.key: tract.side.value for tract in builtin_atlas().tracts}
    for tissue in ("white_matter", "grey_matter"):
        left, right = (groups[f"{tissue}_{side}"] for side in ("left", "right"))
        assert {sides[key] for key in left.members} == {"left"}
        assert {sides[key] for key in right.members} == {"right"}
        assert sorted(left.members + right.members) == sorted(groups[tissue].members)


def test_a_level_beyond_the_atlas_is_refused():
    with pytest.raises(ValueError, match="covers levels 1 to 20"):
        builtin_atlas().level_maps(22)
