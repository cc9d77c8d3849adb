"""How far images of one slice moved against reference images of other contrasts.

A slice that moved back to its place is a sum of reference images (the basis) with unknown factors, plus noise. With
few tissues in view any contrast is such a sum: each volume of a diffusion series of the mean images, and an image of
any contrast of functions of the values of another one (the correlation ratio of Roche et al. 1998,
doi:10.1007/BFb0056301, here with smooth functions). The move that leaves the smallest weighted sum of squares is found
by trying whole pixels, then with Gauss-Newton steps that use the gradient of the sum, which holds less noise than that
of the single image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.interpolate import BSpline

from napari_spinalq.registration.slicewise.warp import ARC_RADIUS_MM, after_step, moved_back, sample_places

LONGEST_STEP_MM = 1.0
"""A Gauss-Newton step is no longer than this (mm): beyond a pixel or so an image is not a plane."""

CONVERGED_MM = 0.005
"""A search ends when all steps are shorter than this (mm)."""

NOISE_SLOPE = 0.5
"""The central difference of white noise has half its variance (per pixel squared). This much of the squared slope of a
reference is no structure, and says nothing about where an image lies."""

MAX_STEPS = 12
"""Most searches end after four to six steps; one that has not ended after twelve has nothing to hold on to."""

INTENSITY_KNOTS = 5
"""Pieces of the quadratic spline that maps values of one contrast to another: CSF, cord, fat, muscle and between."""


@dataclass(frozen=True, eq=False)
class Basis:
    """Reference images of one slice, orthonormal under its weights.

    Attributes
    ----------
    inside : (rows, columns) array of bool
        Pixels with weight.
    root_weights : (n,) array
        Square root of the weight of each.
    images : (n, k) array
        Orthonormal: their weighted products are 0 or 1. The first is the constant.
    gradients : (2, n, k) array
        Their change towards growing rows and columns, per mm.
    noise : (k, k) array
        Covariance of their noise in a pixel, as a share of the variance of noise in the images that are matched.
    pixel_mm, centre : (2,) arrays
        Pixel size (mm), and the pixel about which the slice turns.
    """

    inside: NDArray[np.bool_]
    root_weights: NDArray[np.float64]
    images: NDArray[np.float64]
    gradients: NDArray[np.float64]
    noise: NDArray[np.float64]
    pixel_mm: NDArray[np.float64]
    centre: NDArray[np.float64]

    @property
    def seen_pixels(self) -> float:
        """Sum of weights: how many whole pixels the slice is worth."""
        return float((self.root_weights**2).sum())

    @property
    def unseen(self) -> bool:
        """Whether the window leaves the slice out, as it does those far beside the cord: nothing can be told there."""
        return not self.inside.any()


def make_basis(
    images: NDArray,
    weights: NDArray[np.float64],
    pixel_mm: NDArray[np.float64],
    centre: NDArray[np.float64],
    noise: NDArray[np.float64] | None = None,
) -> Basis:
    """Make the basis of a slice from reference images; the constant is added.

    Images that add nothing to those before them (a constant one, say) are left out.

    Parameters
    ----------
    images : (k, rows, columns) array
        Reference images.
    weights : (rows, columns) array
        Window around the cord.
    pixel_mm, centre : (2,) arrays
        Pixel size (mm), and the pixel about which the slice turns.
    noise : (k, k) array, optional
        Covariance of their noise as a share of the variance in the images that are matched; none by default.
    """
    inside = weights > 0
    root = np.sqrt(weights[inside])
    stack = np.concatenate([np.ones((1, *weights.shape)), np.asarray(images, dtype=np.float64)])
    slopes = np.stack([np.gradient(stack, step, axis=axis) for axis, step in ((1, pixel_mm[0]), (2, pixel_mm[1]))])
    values = stack[:, inside].T
    change = _orthonormaliser(values * root[:, None])
    spread = np.zeros((len(change), len(change))) if noise is None else np.pad(noise, (1, 0))
    return Basis(
        inside,
        root,
        values @ change,
        slopes[:, :, inside].transpose(0, 2, 1) @ change,
        change.T @ spread @ change,
        pixel_mm,
        centre,
    )


def _orthonormaliser(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix (k, m <= k) that makes columns (n, k) orthonormal by Gram and Schmidt."""
    chosen: list[NDArray[np.float64]] = []
    for k in range(columns.shape[1]):
        factor = np.eye(columns.shape[1])[k]
        length = float(np.linalg.norm(columns[:, k]))
        for _ in range(2):  # twice is enough for orthogonality to rounding
            for other in chosen:
                factor = factor - other * ((columns @ other) @ (columns @ factor))
        rest = np.linalg.norm(columns @ factor)
        if rest > 1e-6 * max(length, 1e-30):
            chosen.append(factor / rest)
    return np.array(chosen).reshape(-1, columns.shape[1]).T  # no column in an unseen slice


def intensity_functions(image: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return smooth functions of the values of one image that together make any contrast, shape (k, rows, columns).

    Quadratic B-splines with knots at even quantiles of the values in view.
    """
    seen = image[weights > 0].astype(np.float64)
    if not seen.size:
        return np.zeros((0, *image.shape))
    ends: NDArray[np.float64] = np.quantile(seen, np.linspace(0.0, 1.0, INTENSITY_KNOTS + 1))
    if ends[-1] <= ends[0]:
        return np.zeros((0, *image.shape))
    # Half even in rank, half even in value: many pixels of one tissue must not take all knots.
    inner = (0.5 * (ends + np.linspace(ends[0], ends[-1], len(ends))))[1:-1]
    knots = np.r_[[ends[0]] * 3, inner, [ends[-1]] * 3]
    values = np.clip(image, ends[0], ends[-1]).ravel()
    design = BSpline.design_matrix(values.astype(np.float64), knots, 2).toarray()
    return design.T.reshape(-1, *image.shape)


def pixel_scores(basis: Basis, image: NDArray, reach: tuple[int, int]) -> NDArray[np.float64]:
    """Return how well an image fits after each shift by whole pixels.

    Parameters
    ----------
    basis : Basis
        Of the slice.
    image : (rows, columns) array
        Image that moved.
    reach : tuple of int
        Largest shift of rows and of columns.

    Returns
    -------
    (2 reach[0] + 1, 2 reach[1] + 1) array
        Log likelihood of Gaussian noise, up to a constant: -m / 2 log(1 - R^2) for m pixels in view; 0 with none.
    """
    if basis.unseen:
        return np.zeros((2 * reach[0] + 1, 2 * reach[1] + 1))
    weights = basis.root_weights**2
    kernels = np.zeros((basis.images.shape[1] + 1, *basis.inside.shape))
    kernels[0, basis.inside] = weights
    kernels[1:, basis.inside] = (basis.images * weights[:, None]).T
    padded = np.pad(np.asarray(image, dtype=np.float64), [(r, r) for r in reach], mode="edge")
    power = _products(kernels[:1], padded**2, reach)[0]
    found = _products(kernels[1:], padded, reach) ** 2
    explained = found[1:].sum(axis=0) / np.maximum(power - found[0], 1e-12)
    return -0.5 * basis.seen_pixels * np.log(np.clip(1.0 - explained, 1e-6, 1.0))


def _products(kernels: NDArray, padded: NDArray, reach: tuple[int, int]) -> NDArray[np.float64]:
    """Return the sums of products of kernels (k, rows, columns) with each part of a padded image, by Fourier."""
    shape = [fft.next_fast_len(n, real=True) for n in padded.shape]
    spectrum = fft.rfft2(padded, shape) * np.conj(fft.rfft2(kernels, shape))
    return fft.irfft2(spectrum, shape)[:, : 2 * reach[0] + 1, : 2 * reach[1] + 1]


def refine(
    basis: Basis, coefficients: NDArray[np.float32], start: NDArray[np.float64], *, rotation: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the move of an image, from a start within a few mm.

    Parameters
    ----------
    basis : Basis
        Of the slice.
    coefficients : (rows, columns) array
        Spline coefficients of the image.
    start : (3,) array
        Move to begin with, mm.
    rotation : bool
        Whether a turn is sought too.

    Returns
    -------
    move : (3,) array
        Rows, columns, arc, mm.
    information : (3, 3) array
        Inverse of its covariance, 1 / mm2; zero for what was not sought, and in an unseen slice.
    """
    move, information = start.copy(), np.zeros((3, 3))
    if basis.unseen:
        return move, information
    free = 3 if rotation else 2
    for _ in range(MAX_STEPS):
        places = sample_places(move, basis.inside.shape, basis.pixel_mm, basis.centre)
        values = moved_back(coefficients, places[:, basis.inside])
        step, information[:free, :free] = _gauss_newton(basis, values, free)
        move = after_step(move, step)
        if np.abs(step).max() < CONVERGED_MM:
            break
    return move, information


def _gauss_newton(
    basis: Basis, values: NDArray[np.float32], free: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the next step (3,) and the information (free, free) of an image, moved back by the present move."""
    root = basis.root_weights
    orthonormal = basis.images * root[:, None]
    weighted = values * root
    factors = orthonormal.T @ weighted
    residual = weighted - orthonormal @ factors
    slopes = [gradient @ factors for gradient in basis.gradients]
    arms = (np.argwhere(basis.inside) - basis.centre) * basis.pixel_mm / ARC_RADIUS_MM
    if free == 3:
        slopes.append(slopes[0] * arms[:, 1] - slopes[1] * arms[:, 0])
    change = -np.stack(slopes) * root
    change -= (change @ orthonormal) @ orthonormal.T
    normal = change @ change.T
    noise = float(residual @ residual) / max(basis.seen_pixels - len(factors) - free, 1.0)
    seeming = NOISE_SLOPE * noise * float(factors @ basis.noise @ factors) / basis.pixel_mm**2 * basis.seen_pixels
    mean_arm = (root**2) @ arms**2 / basis.seen_pixels
    seeming = np.r_[seeming, seeming @ mean_arm[::-1]][:free]
    floor = (1e-6 * np.trace(normal) + 1e-20) * np.eye(free)
    step = np.zeros(3)
    step[:free] = np.linalg.solve(normal + floor, change @ residual)
    length = float(np.linalg.norm(step))
    return step * min(1.0, LONGEST_STEP_MM / max(length, 1e-12)), _without(normal, seeming) / max(noise, 1e-20)


def _without(normal: NDArray[np.float64], seeming: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared slopes less those that are but noise of the references; never negative in any direction."""
    values, vectors = np.linalg.eigh(normal - np.diag(seeming))
    return (vectors * np.maximum(values, 0.0)) @ vectors.T
