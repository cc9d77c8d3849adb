from dataclasses import replace

import numpy as np
import pytest
from dipy.core.gradients import gradient_table
from dipy.reconst.dti import TensorModel

from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import fsl_directions
from napari_spinalq.phantom import make_exam
from napari_spinalq.phantom.diffusion import default_scheme, principal_diffusivities
from napari_spinalq.phantom.protocol import PROTOCOLS
from napari_spinalq.phantom.tissue import TRACT_NAMES

PURE = 0.999


def test_diffusivities_give_back_fa_and_md():
    along, across = principal_diffusivities([0.2, 0.7], [0.8, 1.0])
    for parallel, radial, fa, md in zip(along, across, [0.2, 0.7], [0.8, 1.0], strict=True):
        values = np.array([parallel, radial, radial])
        assert values.mean() == pytest.approx(md)
        deviation = values - values.mean()
        assert np.sqrt(1.5 * (deviation**2).sum() / (values**2).sum()) == pytest.approx(fa)


def test_scheme_has_5_unweighted_and_30_spread_unit_directions():
    scheme = default_scheme()
    assert (scheme.b_values == 0).sum() == 5
    assert (scheme.b_values == 800).sum() == 30
    weighted = scheme.directions[5:]
    assert np.linalg.norm(weighted, axis=1) == pytest.approx(np.ones(30))
    nearest = np.sort(np.abs(weighted @ weighted.T), axis=1)[:, -2]
    assert np.degrees(np.arccos(nearest)).min() > 12
    # an even spread over the sphere has second moments 1/3 along every axis
    assert np.linalg.eigvalsh(weighted.T @ weighted / 30) == pytest.approx(np.full(3, 1 / 3), abs=0.02)


def test_fsl_convention_flips_x_of_neurological_storage_only():
    right = np.array([[1.0, 0.0, 0.0]])
    assert fsl_directions(right, Grid((2, 2, 2), np.diag([2.0, 2, 2, 1]))).tolist() == [[-1, 0, 0]]
    assert fsl_directions(right, Grid((2, 2, 2), np.diag([-2.0, 2, 2, 1]))).tolist() == [[-1, 0, 0]]


def _fit(exam):
    scan = exam.scans["dwi"]
    directions = fsl_directions(exam.gradients.directions, scan.grid)
    table = gradient_table(exam.gradients.b_values, bvecs=directions, b0_threshold=10)
    return TensorModel(table, fit_method="WLS").fit(scan.data.astype(float), mask=exam.truth["dwi"].cord > 0.5)


def _to_ras(vectors, grid):
    """Undo the FSL convention: array axes to RAS."""
    axes = grid.affine[:3, :3] / np.asarray(grid.spacing)
    flip = [-1.0, 1.0, 1.0] if np.linalg.det(axes) > 0 else [1.0, 1.0, 1.0]
    return (vectors * flip) @ axes.T


def test_fit_finds_fa_and_md_of_each_tract_and_the_change_on_the_left(clean_exam):
    fit = _fit(clean_exam)
    truth = clean_exam.truth["dwi"]
    # signals of a clean scan are rounded to whole numbers (about 0.5 of 100): hence 1.5 %
    for tract, fa, md in (
        ("lateral_cst_left", 0.71 * 0.6, 0.92 * 1.3),
        ("lateral_cst_right", 0.71, 0.92),
        ("dorsal_column_left", 0.72, 0.99),
    ):
        pure = truth.tracts[tract] > PURE
        assert pure.sum() >= 3
        assert np.median(fit.fa[pure]) == pytest.approx(fa, rel=0.015)
        assert np.median(fit.md[pure]) * 1e3 == pytest.approx(md, rel=0.015)
    assert set(truth.tracts) == set(TRACT_NAMES) - {"grey_matter"}


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_principal_direction_follows_the_cord_in_every_storage(codes, clean_design):
    stored = replace(PROTOCOLS[-1], codes=codes, shape=(20, 16, 5))
    exam = make_exam(clean_design, protocols=(stored,))
    grid = exam.scans["dwi"].grid
    assert grid.axis_codes == codes
    pure = exam.truth["dwi"].tracts["dorsal_column_right"] > PURE
    found = _to_ras(_fit(exam).evecs[..., 0][pure], grid)
    arc = exam.anatomy.curvilinear(grid.voxel_to_mm(np.argwhere(pure)))[0]
    cosine = np.abs((found * exam.anatomy.tangent(arc)).sum(axis=1))
    assert np.degrees(np.arccos(np.clip(cosine, 0, 1))).max() < 2.0
