import numpy as np
import pytest

from napari_spinalq.anatomy import figures
from napari_spinalq.errors import InputError
from napari_spinalq.phantom.cord import Cord, CordDesign
from napari_spinalq.phantom.design import healthy_design
from napari_spinalq.phantom.spine import mean_sac_area_mm2, sac_area_mm2
from napari_spinalq.phantom.tissue import CORD_TISSUES, Tissue


def _section(cord, arc, step=0.032):
    axis = np.arange(-8, 8, step) + step / 2
    u, v = (c.ravel() for c in np.meshgrid(axis, axis, indexing="ij"))
    s = np.full(u.shape, float(arc))
    inside = cord.inside(s, u, v)
    found = np.full(u.shape, -1)
    found[inside] = cord.tissues(s[inside], u[inside], v[inside])
    return u, v, found, step**2


@pytest.mark.parametrize("arc", [60.0, 27.0, 9.0, -10.0, -41.0, -61.0])
def test_drawn_areas_are_the_closed_form_ones(arc):
    cord = Cord(CordDesign(size=1.03, cord_atrophy={5: 0.9}, gm_atrophy={5: 0.8}))
    _, _, found, pixel = _section(cord, arc)
    assert (found >= 0).sum() * pixel == pytest.approx(float(cord.area_mm2(arc)), rel=2e-3)
    assert (found == Tissue.GREY_MATTER).sum() * pixel == pytest.approx(float(cord.gm_area_mm2(arc)), rel=5e-3)


def test_healthy_figures_hold_at_the_middle_of_each_level():
    cord = Cord(CordDesign())
    assert cord.area_mm2(cord.centres_mm) == pytest.approx(figures.figure("cord_area_mm2"))


def test_atrophy_changes_only_its_level_and_the_way_to_its_neighbours():
    healthy, ill = Cord(CordDesign()), Cord(CordDesign(cord_atrophy={6: 0.8}, gm_atrophy={6: 0.7}))
    share = ill.area_mm2(healthy.centres_mm) / healthy.area_mm2(healthy.centres_mm)
    assert share == pytest.approx(np.where(np.arange(1, 11) == 6, 0.8, 1.0))
    grey = ill.gm_area_mm2(healthy.centres_mm) / healthy.gm_area_mm2(healthy.centres_mm)
    assert grey[5] == pytest.approx(0.7)


def test_mean_area_is_the_integral():
    cord = Cord(CordDesign(cord_atrophy={5: 0.85}))
    arc = np.linspace(-16, 0, 20_001)
    expected = np.trapezoid(cord.area_mm2(arc), arc) / 16
    assert cord.mean_areas_mm2(-16.0, 0.0)[0] == pytest.approx(expected, rel=1e-7)


def test_levels_change_at_the_discs():
    cord = Cord(CordDesign(spine_scale=1.02))
    for disc, arc in cord.discs_mm.items():
        assert cord.levels([arc + 0.01, arc - 0.01]).tolist() == [disc - 1, disc]
    assert cord.levels([cord.top_mm + 0.1, cord.bounds_mm[-1] - 0.1]).tolist() == [0, 0]


def test_left_tracts_lie_on_the_left_and_mirror_the_right():
    u, v, found, _ = _section(Cord(CordDesign()), 9.0)
    for name in ("LATERAL_CST", "VENTRAL_CST", "DORSAL_COLUMN"):
        left, right = (found == Tissue[f"{name}_{side}"] for side in ("LEFT", "RIGHT"))
        assert u[left].max() < 0 < u[right].min()
        assert left.sum() == pytest.approx(right.sum(), rel=0.005)
    assert v[found == Tissue.DORSAL_COLUMN_LEFT].mean() < v[found == Tissue.LATERAL_CST_LEFT].mean() < 0
    assert v[found == Tissue.VENTRAL_CST_LEFT].mean() > 2


def test_lateral_tract_has_the_area_and_place_of_the_atlas():
    cord = Cord(CordDesign())
    row = figures.LEVELS[3]
    arc = float(cord.centres_mm[3])
    u, v, found, pixel = _section(cord, arc)
    tract = found == Tissue.LATERAL_CST_RIGHT
    half_rl, half_ap = (float(h) for h in cord.half_axes_mm(np.array(arc)))
    assert tract.sum() * pixel == pytest.approx(row.lateral_cst.area_fraction * row.cord_area_mm2, rel=0.12)
    assert u[tract].mean() / half_rl == pytest.approx(row.lateral_cst.x, abs=0.03)
    assert v[tract].mean() / half_ap == pytest.approx(row.lateral_cst.y, abs=0.03)


def test_moment_diameters_are_those_of_the_drawn_section():
    cord = Cord(CordDesign())
    u, v, found, _ = _section(cord, 0.0)
    right_left, anterior_posterior = cord.diameters_mm(0.0)
    assert 4 * u[found >= 0].std() == pytest.approx(float(right_left), rel=2e-3)
    assert 4 * v[found >= 0].std() == pytest.approx(float(anterior_posterior), rel=2e-3)


@pytest.mark.parametrize("factors", [{"cord_atrophy": {4: 0.0}}, {"gm_atrophy": {15: 0.9}}, {"cord_atrophy": {4: 3.0}}])
def test_impossible_atrophy_is_refused(factors):
    with pytest.raises(InputError, match="factor"):
        CordDesign(**factors)


def test_grey_matter_that_does_not_fit_is_refused():
    cord = Cord(CordDesign(cord_atrophy={5: 0.5}))
    with pytest.raises(InputError, match="Grey matter would fill"):
        cord.tissues(np.zeros(1), np.zeros(1), np.zeros(1))


@pytest.mark.parametrize("arc", [58.0, 27.0, -10.0, -61.0])
def test_the_drawn_canal_has_its_closed_form_area(arc):
    """Fluid and cord in the plane perpendicular to the cord, counted on a fine raster."""
    anatomy = healthy_design(3).anatomy()
    step = 0.1
    axis = np.arange(-18, 18, step) + step / 2
    u, v = (c.ravel() for c in np.meshgrid(axis, axis, indexing="ij"))
    tangent = anatomy.tangent(arc)
    right = anatomy.pose.matrix[:, 0]
    points = anatomy.position(arc) + u[:, None] * right + v[:, None] * np.cross(tangent, right)
    found = anatomy.tissues(points)
    drawn = np.isin(found, [int(tissue) for tissue in (Tissue.CSF, *CORD_TISSUES)]).sum() * step**2
    assert drawn == pytest.approx(float(sac_area_mm2(np.array(arc / anatomy.cord_design.spine_scale))), rel=5e-3)


def test_the_mean_canal_area_is_the_integral():
    arc = np.linspace(-40.0, 20.0, 200_001)
    expected = np.trapezoid(sac_area_mm2(arc), arc) / 60.0
    assert mean_sac_area_mm2(-40.0, 20.0) == pytest.approx(expected, rel=1e-8)
