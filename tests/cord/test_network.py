"""The networks on elliptic cylinders of known size, in any axis order."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_spinalq.cord.ends import MIN_CORE, MIN_PRESENCE
from napari_spinalq.cord.network import PATCH_SIZE, PATCH_STEP_MM, locate, soft_maps
from napari_spinalq.cord.runtime import MODELS, run
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.scan import Scan

HALF_X, HALF_Y = 6.2, 4.3
SLICES, PIXELS, THICKNESS, PIXEL = 8, 60, 4.0, 0.8
CENTRE_MM = np.array([26.0, 22.0])


def share(half_x, half_y, centre_y, centre_x):
    """Share of each pixel inside an ellipse, from 10 x 10 points a pixel."""
    fine = (np.arange(PIXELS * 10) + 0.5) / 10 - 0.5
    y, x = np.meshgrid(fine * PIXEL - centre_y, fine * PIXEL - centre_x, indexing="ij")
    return (((x / half_x) ** 2 + (y / half_y) ** 2) < 1).reshape(PIXELS, 10, PIXELS, 10).mean(axis=(1, 3))


def neck(cord=300.0, csf=900.0, tissue=120.0, noise=15.0):
    """A leaning cord in fluid in tissue; returns the scan, the cord's share of each voxel and its centre in mm."""
    affine = np.array([[0, 0, PIXEL, -20.0], [0, PIXEL, 0, 30], [THICKNESS, 0, 0, -50], [0, 0, 0, 1.0]])
    lean = 0.1 * THICKNESS * (np.arange(SLICES) - SLICES / 2)
    centres = CENTRE_MM + np.outer(lean, [1.0, -0.5])
    truth = np.stack([share(HALF_X, HALF_Y, *centre) for centre in centres])
    canal = np.stack([share(10.0, 7.5, *centre) for centre in centres])
    image = tissue + (csf - tissue) * canal + (cord - csf) * truth
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return Scan(image.astype(np.float32), Grid((SLICES, PIXELS, PIXELS), affine)), truth, centres


def network(scan):
    location = locate(scan.data, scan.grid)
    return location, soft_maps(scan.data, scan.grid, location.path_mm)


@pytest.mark.parametrize("signals", [(300.0, 900.0, 120.0), (700.0, 100.0, 400.0), (-100.0, -900.0, 200.0)])
def test_finds_cord_and_canal_of_a_cylinder(signals):
    scan, truth, centres = neck(*signals)
    location, maps = network(scan)
    assert np.hypot(*(location.path_mm - centres).T).max() < 2.5
    found = maps.cord >= 0.5
    assert 2 * (found & (truth >= 0.5)).sum() / (found.sum() + (truth >= 0.5).sum()) > 0.93
    assert maps.cord.sum() == pytest.approx(truth.sum(), rel=0.05)
    assert maps.canal.sum(axis=(1, 2)).mean() * PIXEL**2 == pytest.approx(np.pi * 10.0 * 7.5, rel=0.15)


def test_shapes_types_and_bounds():
    scan, _, _ = neck()
    location, maps = network(scan)
    assert location.path_mm.shape == (SLICES, 2)
    assert location.presence.shape == (SLICES,)
    for part in maps[:3]:
        assert part.shape == scan.grid.shape
        assert part.dtype == np.float32
        assert 0 <= part.min() <= part.max() <= 1
    assert (maps.gm <= maps.cord + 0.2).all()


def shows_cord(location, maps):
    return (location.presence >= MIN_PRESENCE) & (maps.core >= MIN_CORE)


def test_noise_shows_no_cord_and_a_cylinder_does():
    scan, _, _ = neck()
    assert shows_cord(*network(scan)).all()
    noise = np.random.default_rng(1).normal(100, 10, scan.grid.shape).astype(np.float32)
    assert shows_cord(*network(replace(scan, data=noise))).mean() <= 0.25


def test_twice_gives_the_same_numbers():
    scan, _, _ = neck()
    (first, maps), (second, again) = network(scan), network(scan)
    assert np.array_equal(first.path_mm, second.path_mm)
    assert all(np.array_equal(a, b) for a, b in zip(maps, again, strict=True))


@pytest.mark.parametrize(("scale", "offset"), [(3.0, 50.0), (1e-24, 0.0), (1e24, 0.0)])
def test_scale_and_offset_of_the_values_change_nothing(scale, offset):
    scan, _, _ = neck()
    expected, result = (
        network(scan)[1],
        network(replace(scan, data=np.float32(scale) * scan.data + np.float32(offset)))[1],
    )
    assert np.allclose(result.cord, expected.cord, atol=1e-3)


AXIS_ORDERS = [
    "".join(pair[flip] for pair, flip in zip(order, flips, strict=True))
    for order in itertools.permutations(("RL", "AP", "SI"))
    for flips in itertools.product((0, 1), repeat=3)
]


@pytest.mark.parametrize("codes", AXIS_ORDERS[::7])
def test_a_reoriented_copy_gives_the_same_voxels(codes):
    scan, _, _ = neck()
    expected, turned = network(scan)[1], scan.reoriented(codes)
    result = network(turned)[1]
    for part, wanted in zip(result[:3], expected[:3], strict=True):
        assert part.shape == turned.grid.shape
        assert np.allclose(part, reorient_array(wanted, scan.grid, codes)[0], atol=1e-4)


def test_slices_not_chosen_stay_empty():
    scan, _, _ = neck()
    chosen = np.arange(SLICES) < 3
    maps = soft_maps(scan.data, scan.grid, locate(scan.data, scan.grid).path_mm, slices=chosen)
    assert not maps.cord[3:].any()
    assert maps.cord[:3].any(axis=(1, 2)).all()


def test_a_click_holds_the_path():
    scan, _, _ = neck()
    voxel = np.array([4, 8, 50])
    at = tuple(scan.grid.voxel_to_mm(voxel))
    path = locate(scan.data, scan.grid, at=at).path_mm
    assert np.hypot(*(path[4] - voxel[1:] * PIXEL)) < 5.0


def test_bad_input_is_refused():
    scan, _, _ = neck()
    with pytest.raises(InputError, match="one 3-D volume"):
        locate(scan.data[0], scan.grid)
    with pytest.raises(InputError, match="outside"):
        locate(scan.data, scan.grid, at=(500.0, 0.0, 0.0))
    with pytest.raises(InputError, match="path has shape"):
        soft_maps(scan.data, scan.grid, np.zeros((2, 2)))


def test_weights_are_small_and_take_any_number_of_pictures():
    assert sum(path.stat().st_size for path in MODELS.glob("*.onnx")) < 3e6
    for count in (1, 3):
        images = np.random.default_rng(0).normal(size=(count, PATCH_SIZE, PATCH_SIZE)).astype(np.float32)
        assert run("fine", images).shape == (count, 3, PATCH_SIZE, PATCH_SIZE)
    assert pytest.approx(40.0) == PATCH_SIZE * PATCH_STEP_MM


def test_onnxruntime_waits_until_it_is_needed():
    code = "import sys, napari_spinalq.cord.network; print('onnxruntime' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("image", "mask", "dice"), [("t2/t2", "t2/t2_seg-manual", 0.93), ("t2s/t2s", "t2s/t2s_seg", 0.90)]
)
def test_agrees_with_references_on_real_scans(sct_testing, image, mask, dice):
    scan = load_scan(sct_testing / f"{image}.nii.gz")
    truth = np.asarray(load_scan(sct_testing / f"{mask}.nii.gz").data) >= 0.5
    found = network(scan)[1].cord >= 0.5
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > dice


@pytest.mark.realdata
def test_roots_below_the_conus_are_no_cord(sct_testing):
    """The template's cord ends in slice 38; from 14 mm below its last slice on there are only roots."""
    scan = load_scan(sct_testing / "template" / "PAM50_small_t2.nii.gz").reoriented("SAR")
    lowest = np.arange(scan.grid.shape[0]) < 60
    location = locate(scan.data, scan.grid)
    maps = soft_maps(scan.data, scan.grid, location.path_mm, slices=lowest)
    shown = shows_cord(location, maps)
    assert not shown[:31].any()
    assert shown[40:60].all()
