"""What the images of a diffusion series are matched to: sums of the others of their kind, and of the other kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.gradients import GradientTable
from napari_spinalq.registration.slicewise.frame import SliceFrame
from napari_spinalq.registration.slicewise.match import Basis, make_basis
from napari_spinalq.registration.slicewise.stack import Bases

LEAST_SPREAD = 0.05
"""Standard deviation of b (or b cos^2), as a share of the largest b, from which on a change with it can be seen."""

FEWEST_FOR_SLOPE = 8
"""Weighted images needed before their change with direction is used as a reference image of its own."""


@dataclass(frozen=True, eq=False)
class Series:
    """The part of a diffusion series around the cord, as images to be matched.

    Attributes
    ----------
    images : (n_slices, n, rows, columns) array
        Volumes, or means of volumes that are registered as one.
    weights : (n_slices, rows, columns) array
        Window around the cord.
    centres : (n_slices, 2) array
        Pixel about which each slice turns.
    frame : SliceFrame
        Slices of the acquisition.
    unweighted : (n,) array of bool
        Which images have no diffusion weighting.
    contrast : (n, m) array
        What the signal of weighted images depends on: b-value, and b-value along the slice normal; 0..1.
    """

    images: NDArray[np.float32]
    weights: NDArray[np.float64]
    centres: NDArray[np.float64]
    frame: SliceFrame
    unweighted: NDArray[np.bool_]
    contrast: NDArray[np.float64]

    @property
    def classes(self) -> list[NDArray[np.int_]]:
        """Images without and with weighting, as far as there are any."""
        classes = (np.flatnonzero(self.unweighted), np.flatnonzero(~self.unweighted))
        return [members for members in classes if len(members)]


def contrast_of(gradients: GradientTable, frame: SliceFrame) -> NDArray[np.float64]:
    """Return b and b cos^2 of the angle to the slice normal of each volume, as a share of the largest b, (n, 2)."""
    normal = frame.grid.affine[:3, 0] / frame.grid.spacing[0]
    b_share = gradients.b_values / max(float(gradients.b_values.max()), 1.0)
    return np.stack([b_share, b_share * (gradients.directions @ normal) ** 2], axis=1)


@dataclass(frozen=True, eq=False)
class Reference:
    """A weighted sum of aligned images, from which any of them can be left out.

    What an image is matched to must not hold its own noise, which would tie it to where it was before.

    Attributes
    ----------
    images : (n_slices, n, rows, columns) array
        Aligned.
    factors : (n,) array
        Of the sum.
    own : bool
        Whether the images that are matched are those of the sum.
    """

    images: NDArray[np.float32]
    factors: NDArray[np.float64]
    own: bool = True

    @cached_property
    def total(self) -> NDArray[np.float64]:
        """The whole sum, shape (n_slices, rows, columns)."""
        return np.tensordot(self.images, self.factors, (1, 0))

    def without(self, z: int, image: int) -> NDArray[np.float64]:
        """Return the sum in one slice for matching one image: without it where it takes part."""
        return self.total[z] - self.factors[image] * self.images[z, image] if self.own else self.total[z]


def mean_of_class(aligned: NDArray[np.float32], members: NDArray[np.int_]) -> list[Reference]:
    """Return the sum of a class as the only reference: all that can be used before the classes are aligned."""
    return [Reference(aligned[:, members], np.ones(len(members)))]


def references_of_class(series: Series, aligned: NDArray[np.float32], members: NDArray[np.int_]) -> list[Reference]:
    """Return what the images of one class are matched to, once both classes are aligned.

    The sum of the class, that of the other; and how weighted images change with direction and b-value, where enough
    are there to tell.
    """
    references = mean_of_class(aligned, members)
    others = np.setdiff1d(np.arange(aligned.shape[1]), members)
    if len(others):
        references.append(Reference(aligned[:, others], np.ones(len(others)), own=False))
    if not series.unweighted[members[0]] and len(members) >= FEWEST_FOR_SLOPE:
        contrast = series.contrast[members] - series.contrast[members].mean(axis=0)
        slopes = contrast.T[contrast.std(axis=0) > LEAST_SPREAD]
        references += [Reference(references[0].images, values) for values in slopes]
    return references


def bases_of(series: Series, references: Sequence[Reference]) -> Bases:
    """Return the basis for each slice and image, counted within its class."""
    noise = np.array([[_shared_noise(one, other) for other in references] for one in references])

    def basis(z: int, image: int) -> Basis:
        images = np.stack([reference.without(z, image) for reference in references])
        return make_basis(images, series.weights[z], series.frame.pixel_mm, series.centres[z], noise)

    return basis


def _shared_noise(one: Reference, other: Reference) -> float:
    """Return the covariance of the noise of two sums, as a share of the variance in one image."""
    return float(one.factors @ other.factors) if one.own == other.own else 0.0
