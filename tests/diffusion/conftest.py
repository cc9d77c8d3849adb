"""Small series with known tensors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from napari_spinalq.geometry import Grid
from napari_spinalq.phantom.diffusion import default_scheme, tensor_signals

B0 = 270.0


@pytest.fixture
def make_series():
    """Return a function that gives series (shape + (35,)), fibres (RAS) and scheme of one tissue with Rician noise."""

    def make(shape=(6, 5, 4), *, fa=0.7, md=0.95, snr=20.0, seed=0, scheme=None):
        random = np.random.default_rng(seed)
        scheme = scheme or default_scheme()
        fibres = random.normal(size=(*shape, 3))
        fibres /= np.linalg.norm(fibres, axis=-1, keepdims=True)
        clean = tensor_signals(np.ones((1, *shape)), fibres, np.array([B0]), np.array([fa]), np.array([md]), scheme)
        noise = random.normal(0, 0 if np.isinf(snr) else B0 / snr, (2, *clean.shape))
        return np.hypot(clean + noise[0], noise[1]), fibres, scheme

    return make


@pytest.fixture
def make_grid():
    """Return a function that gives a grid centred on the world, stored in some axis order."""

    def make(codes="LAS", shape=(16, 16, 12), turn_deg=(0.0, 0.0, 0.0), spacing_mm=(1.0, 1.0, 5.0)):
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() * spacing_mm
        affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
        return Grid(shape, affine).reoriented(codes)

    return make
