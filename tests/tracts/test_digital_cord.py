"""FA and MD of the corticospinal tract of a digital cord at SNR 20, beside what they are without handling."""

import numpy as np
import pytest

from napari_spinalq.contrast import Contrast
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.geometry import to_work_order
from napari_spinalq.phantom import diffusion
from napari_spinalq.phantom.corruption import add_rician_noise
from napari_spinalq.phantom.design import als_like_design
from napari_spinalq.phantom.make import SAMPLING, changed_signals
from napari_spinalq.phantom.protocol import PROTOCOLS, scan_grid
from napari_spinalq.phantom.sampling import average_over_voxels
from napari_spinalq.phantom.tissue import CORD_TISSUES, N_TISSUES, Tissue, signal_row
from napari_spinalq.phantom.truth import level_map
from napari_spinalq.scan import Scan
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.edge import fit_atlas_to_series
from napari_spinalq.tracts.maps import Side, Tract, TractMaps, TractTissue
from napari_spinalq.tracts.signals import Reading, extract_diffusion
from napari_spinalq.tracts.values import Method

pytestmark = pytest.mark.slow

SCHEME = diffusion.default_scheme()
SIDES = ("lateral_cst_left", "lateral_cst_right")
SNR, DRAWS = 20.0, 4
KINDS = {Tissue.GREY_MATTER: TractTissue.GM, Tissue.CSF: TractTissue.CSF}


class Cord:
    """A person with lower FA in the corticospinal tracts, 1 x 1 x 5 mm."""

    def __init__(self):
        design = als_like_design(2)
        anatomy, signals = design.anatomy(), changed_signals(design)
        self.grid = scan_grid(next(one for one in PROTOCOLS if one.name == "dwi"), anatomy)
        self.shares = average_over_voxels(anatomy.tissues, self.grid, np.eye(N_TISSUES), SAMPLING)
        places = self.grid.voxel_to_mm(np.moveaxis(np.indices(self.grid.shape), 0, -1).reshape(-1, 3))
        fibres = anatomy.tangent(anatomy.curvilinear(places)[0]).reshape(*self.grid.shape, 3)
        b0, self.fa, self.md = (signal_row(name, signals) for name in ("b0", "fa", "md"))
        self.noise_sd = b0[Tissue.WHITE_MATTER] / SNR
        self.clean = diffusion.tensor_signals(self.shares, fibres, b0, self.fa, self.md, SCHEME)
        self.outline = self.shares[list(CORD_TISSUES)].sum(axis=0)
        levels = to_work_order(level_map(anatomy, self.outline, self.grid), self.grid)[0]
        self.slice_levels = [int(np.bincount(one[one > 0]).argmax()) if one.any() else 0 for one in levels]

    def series(self, draw):
        return add_rician_noise(self.clean, self.noise_sd, np.random.default_rng(draw))

    def true_parts(self):
        parts = (*CORD_TISSUES, Tissue.CSF)
        tracts = tuple(Tract(one.name.lower(), "", Side.BOTH, KINDS.get(one, TractTissue.WM)) for one in parts)
        return TractMaps(tracts, (), self.shares[list(parts)].astype(np.float32), "truth")

    def errors(self, series, tracts, method=Method.MAP):
        """Return FA errors, and MD errors in percent, of both sides at each level that is not refused."""
        found = extract_diffusion(
            series,
            SCHEME,
            tracts,
            Reading(self.slice_levels, self.grid, structures=SIDES, method=method, draws=2),
            metrics=("fa", "md"),
        )
        fa = [one.value - self.fa[Tissue.LATERAL_CST_LEFT] for one in found if one.metric == "fa"]
        md = [100 * (one.value / self.md[Tissue.LATERAL_CST_LEFT] - 1) for one in found if one.metric == "md"]
        return np.array([fa, md])


@pytest.fixture(scope="module")
def cord():
    return Cord()


def test_the_corticospinal_tract_is_free_of_bias_with_the_true_shares(cord):
    tracts = cord.true_parts()
    errors = np.mean([cord.errors(cord.series(draw), tracts) for draw in range(DRAWS)], axis=0)
    averaged = np.mean([cord.errors(cord.series(draw), tracts, Method.WA) for draw in range(DRAWS)], axis=0)
    assert np.isfinite(errors).sum() >= 12
    assert abs(np.nanmean(errors[0])) <= 0.01
    assert abs(np.nanmean(errors[1])) <= 1.5
    assert np.nanmax(np.abs(errors[0])) <= 0.02
    assert np.nanmax(np.abs(errors[1])) <= 3.0
    assert np.nanmean(averaged[1]) > 3.0, "without handling fluid raises MD"


def test_with_the_built_in_atlas_and_a_mask_that_was_found_the_edge_is_measured(cord):
    series = cord.series(0)
    mask = segment_cord(Scan(series.astype(np.float32), cord.grid, Contrast.DWI)).mask
    tracts = fit_atlas_to_series(
        builtin_atlas(), mask.astype(np.float32), series, slice_levels=cord.slice_levels, grid=cord.grid
    )
    share = sum(tracts.fraction(one.key) for one in tracts.tracts if one.tissue is not TractTissue.CSF)
    either = (share > 0) | (cord.outline > 0)
    assert np.sqrt(np.mean((share - cord.outline)[either] ** 2)) < 0.03
    assert np.sqrt(np.mean((mask - cord.outline)[either] ** 2)) > 0.1
    assert abs(np.nanmean(cord.errors(series, tracts)[1])) <= 3.0
