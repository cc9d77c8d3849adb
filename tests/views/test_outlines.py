"""Outlines of tracts lie where one part passes into the next, on the right side of the patient, finer than a voxel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.tracts.at import tract_at
from napari_spinalq.tracts.maps import Side, Tract, TractGroup, TractMaps, TractTissue
from napari_spinalq.views.outlines import by_structure, tract_outlines

CENTRE, RADIUS = (12.0, 14.0), 6.3
"""Of a round cord, voxels (y, x) in work order."""

TRACTS = (
    Tract("left", "Left half", Side.LEFT, TractTissue.WM),
    Tract("right", "Right half", Side.RIGHT, TractTissue.WM),
    Tract("csf", "CSF", Side.BOTH, TractTissue.CSF),
)


def shares_of_a_disc(finer: int = 8) -> np.ndarray:
    """Return the share of a disc's left half, of its right half and of a ring around it, shape (3, 1, 26, 30)."""
    step = (np.arange(26 * finer) + 0.5) / finer - 0.5, (np.arange(30 * finer) + 0.5) / finer - 0.5
    y, x = np.meshgrid(*step, indexing="ij")
    away = np.hypot(y - CENTRE[0], x - CENTRE[1])
    parts = [(away < RADIUS) & (x < CENTRE[1]), (away < RADIUS) & (x >= CENTRE[1]), (away >= RADIUS) & (away < 9)]
    blocks = np.stack(parts).reshape(3, 26, finer, 30, finer).mean(axis=(2, 4))
    return blocks[:, None].astype(np.float32)


def maps_on(codes: str) -> tuple[TractMaps, Grid]:
    """Return the disc in two slices of a grid stored in the order ``codes``; x grows to the patient's right."""
    work = Grid((2, 26, 30), np.array([[0, 0, 0.9, -13.0], [0, 0.9, 0, -40.0], [5.0, 0, 0, 12.0], [0, 0, 0, 1]]))
    assert work.axis_codes == "SAR"
    stored = [reorient_array(np.repeat(share, 2, axis=0), work, codes) for share in shares_of_a_disc()]
    group = TractGroup("both", "Both halves", Side.BOTH, ("left", "right"))
    return TractMaps(TRACTS, (group,), np.stack([data for data, _ in stored]), "test"), stored[0][1]


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR", "SAR"])
def test_the_outline_of_a_disc_is_its_circle_whatever_the_order_of_axes(codes):
    tracts, grid = maps_on(codes)
    found = by_structure(tract_outlines(tracts, grid, ["both"]))["both"]
    assert sorted({float(line[0, 0]) for line in found}) == [0.0, 1.0]
    radii = np.hypot(*(np.concatenate(found)[:, 1:] - CENTRE).T)
    assert np.abs(radii - RADIUS).max() < 0.3, "a third of a voxel at most"
    assert radii.mean() == pytest.approx(RADIUS, abs=0.1)


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_left_is_the_patients_left(codes):
    tracts, grid = maps_on(codes)
    found = by_structure(tract_outlines(tracts, grid, ["left", "right"]))
    work = grid.reoriented("SAR")
    middle_mm = work.voxel_to_mm([0.5, *CENTRE])[0]
    for name, side in (("left", -1), ("right", 1)):
        points = np.concatenate(found[name])
        x_mm = work.voxel_to_mm(points)[:, 0]
        assert (side * (x_mm - middle_mm) > -0.5).all()
        assert side * (x_mm.mean() - middle_mm) > 1.0


def test_outlines_of_neighbours_touch_and_do_not_cross():
    tracts, grid = maps_on("SAR")
    found = by_structure(tract_outlines(tracts, grid, ["left", "right"]))
    edge = {name: np.concatenate(lines)[:, 2] for name, lines in found.items()}
    assert edge["left"].max() == pytest.approx(edge["right"].min(), abs=0.3)


def test_a_part_thinner_than_a_voxel_is_outlined_where_it_is_the_largest():
    shares = shares_of_a_disc()
    thin = np.zeros_like(shares[:1])
    thin[0, 0, 8:16, 14] = 0.4
    shares = np.concatenate([shares * (1 - thin), thin])
    shares[:2, 0, 8:16, 14] = 0.3
    tracts = TractMaps((*TRACTS, Tract("thin", "Thin", Side.BOTH, TractTissue.WM)), (), shares, "test")
    grid = Grid((1, 26, 30), maps_on("SAR")[1].affine)
    line = by_structure(tract_outlines(tracts, grid, ["thin"]))["thin"][0]
    assert np.abs(line[:, 2] - 14).max() < 0.5
    assert line[:, 1].min() == pytest.approx(8, abs=0.6)


def test_what_the_atlas_lacks_is_passed_over():
    tracts, grid = maps_on("SAR")
    assert tract_outlines(tracts, grid, ["no such tract"]) == ()


@pytest.mark.parametrize("codes", ["LAS", "PIR"])
def test_the_tract_at_a_place_is_that_with_the_largest_share(codes):
    tracts, grid = maps_on(codes)
    work = grid.reoriented("SAR")
    for x, key in ((11, "left"), (17, "right")):
        voxel = np.round(grid.mm_to_voxel(work.voxel_to_mm([0, 12, x]))).astype(int)
        tract, share = tract_at(tracts, tuple(voxel))
        assert (tract.key, share) == (key, 1.0)


def test_outside_of_the_cord_and_of_the_grid_there_is_no_tract():
    tracts, grid = maps_on("SAR")
    assert tract_at(tracts, (0, 12, 22)) is None, "CSF is no tract"
    assert tract_at(tracts, (0, 0, 0)) is None
    assert tract_at(tracts, (0, 12, grid.shape[2])) is None
    assert tract_at(tracts, (0, 12, -1)) is None
