"""Shapes of known size in grids of unequal voxels, and a strongly curved cord."""

from __future__ import annotations

import numpy as np
import pytest

from napari_spinalq.cord.centerline import Centerline
from napari_spinalq.geometry import Grid


class Shapes:
    """Tools that make masks in work order."""

    @staticmethod
    def ellipse(shape, pixel_mm, centre, half_ap_mm, half_rl_mm):
        """Return the pixels whose centre lies in an ellipse around a fractional pixel, as uint8 (y, x)."""
        y, x = np.ogrid[: shape[0], : shape[1]]
        down, right = (y - centre[0]) * pixel_mm[0] / half_ap_mm, (x - centre[1]) * pixel_mm[1] / half_rl_mm
        return (down**2 + right**2 <= 1).astype(np.uint8)

    @staticmethod
    def apply(mask, planes):
        """Return the mask with new planes."""
        new = mask.copy()
        for index, plane in planes.items():
            assert plane.dtype == np.uint8
            assert plane.shape == mask.shape[1:]
            new[index] = plane
        return new

    @staticmethod
    def grid(shape, spacing, turn=None):
        """Return a work-order grid around the RAS origin, turned by a rotation matrix about it."""
        axes = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=float) * spacing
        axes = axes if turn is None else turn @ axes
        affine = np.eye(4)
        affine[:3, :3] = axes
        affine[:3, 3] = -axes @ ((np.array(shape) - 1) / 2 + [0.1, 0.17, 0.29])
        return Grid(shape, affine)

    @staticmethod
    def curved_cord(radius_mm=70.0, half_length_mm=40.0, lean=0.15):
        """Return an arc in the sagittal plane that also leans to the right, through the RAS origin."""
        z = np.arange(-half_length_mm, half_length_mm + 0.01, 0.25)
        return Centerline(np.stack([lean * z, np.sqrt(radius_mm**2 - z**2) - radius_mm + 5.0, z], axis=1))


@pytest.fixture(scope="session")
def shapes():
    return Shapes
