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
from scipy.interpolate import BSpline

from napari_spinalq.registration.slicewise.warp import ARC_RADIUS_MM, moved_back, sample_places

LONGEST_STEP_MM = 1.0
"""A Gauss-Newton step is no longer than this (mm): beyond a pixel or so an image is not a plane."""

CONVERGED_MM = 0.005
"""A search ends when all steps are shorter than this (mm)."""

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
    pixel_mm, centre : (2,) arrays
        Pixel size (mm), and the pixel about which the slice turns.
    """

    inside: NDArray[np.bool_]
    root_weights: NDArray[np.float64]
    images: NDArray[np.float64]
    gradients: NDArray[np.float64]
    pixel_mm: NDArray[np.float64]
    centre: NDArray[np.float64]

    @property
    def seen_pixels(self) -> float:
        """Sum of weights: how many whole pixels the slice is worth."""
        return float((self.root_weights**2).sum())


def make_basis(
    images: NDArray, weights: NDArray[np.float64], pixel_mm: NDArray[np.float64], centre: NDArray[np.float64]
) -> Basis:
    """Make the basis of a slice from reference images (k, rows, columns); the constant is added.

    Images that add nothing to those before them (a constant one, say) are left out.
    """
    inside = weights > 0
    root = np.sqrt(weights[inside])
    stack = np.concatenate([np.ones((1, *weights.shape)), np.asarray(images, dtype=np.float64)])
    slopes = np.stack([np.gradient(stack, step, axis=axis) for axis, step in ((1, pixel_mm[0]), (2, pixel_mm[1]))])
    values = stack[:, inside].T
    change = _orthonormaliser(values * root[:, None])
    return Basis(inside, root, values @ change, slopes[:, :, inside].transpose(0, 2, 1) @ change, pixel_mm, centre)


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
    return np.stack(chosen, axis=1)


def intensity_functions(image: NDArray, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return smooth functions of the values of one image that together make any contrast, shape (k, rows, columns).

    Quadratic B-splines with knots at even quantiles of the values in view.
    """
    seen = image[weights > 0].astype(np.float64)
    ends: NDArray[np.float64] = np.quantile(seen, np.linspace(0.0, 1.0, INTENSITY_KNOTS + 1))
    if ends[-1] <= ends[0]:
        return np.zeros((0, *image.shape))
    # Half even in rank, half even in value: many pixels of one tissue must not take all knots.
    inner = (0.5 * (ends + np.linspace(ends[0], ends[-1], len(ends))))[1:-1]
    knots = np.r_[[ends[0]] * 3, inner, [ends[-1]] * 3]
    values = np.clip(image, ends[0], ends[-1]).ravel()
    design = BSpline.design_matrix(values.astype(np.float64), knots, 2).toarray()
    return design.T.reshape(-1, *image.shape)


def pixel_scores(basis: Basis, images: NDArray, reach: tuple[int, int]) -> NDArray[np.float64]:
    """Return how well each image fits after a shift by whole pixels.

    Parameters
    ----------
    basis : Basis
        Of the slice.
    images : (n, rows, columns) array
        Images that moved.
    reach : tuple of int
        Largest shift of rows and of columns.

    Returns
    -------
    (n, 2 reach[0] + 1, 2 reach[1] + 1) array
        Log likelihood of Gaussian noise, up to a constant: -m / 2 log(1 - R^2) for m pixels in view.
    """
    rows, columns = np.nonzero(basis.inside)
    padded = np.pad(np.asarray(images, dtype=np.float32), ((0, 0), *((r, r) for r in reach)), mode="edge")
    weighted = (basis.images * basis.root_weights[:, None]).astype(np.float32)
    root = basis.root_weights.astype(np.float32)
    scores = np.empty((len(images), 2 * reach[0] + 1, 2 * reach[1] + 1))
    for down in range(scores.shape[1]):
        for across in range(scores.shape[2]):
            values = padded[:, rows + down, columns + across] * root
            found = values @ weighted
            whole = np.einsum("vn,vn->v", values, values) - found[:, 0] ** 2
            explained = (found[:, 1:] ** 2).sum(axis=1) / np.maximum(whole, 1e-12)
            scores[:, down, across] = -0.5 * basis.seen_pixels * np.log(np.maximum(1.0 - explained, 1e-6))
    return scores


def refine(
    basis: Basis, coefficients: NDArray[np.float32], start: NDArray[np.float64], *, rotation: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the move of each image of a slice, from a start within a few mm.

    Parameters
    ----------
    basis : Basis
        Of the slice.
    coefficients : (n, rows, columns) array
        Spline coefficients of the images.
    start : (n, 3) array
        Moves to begin with, mm.
    rotation : bool
        Whether turns are sought too.

    Returns
    -------
    moves : (n, 3) array
        Rows, columns, arc, mm.
    information : (n, 3, 3) array
        Inverse of the covariance of each move, 1 / mm2; zero rows for what was not sought.
    """
    moves = start.copy()
    free = 3 if rotation else 2
    information = np.zeros((len(moves), 3, 3))
    active = np.arange(len(moves))
    for _ in range(MAX_STEPS):
        values = np.stack([_seen(basis, coefficients[v], moves[v]) for v in active])
        steps, information[active] = _gauss_newton(basis, values, free)
        moves[active] = _combined(moves[active], steps)
        active = active[np.abs(steps).max(axis=1) > CONVERGED_MM]
        if not len(active):
            break
    return moves, information


def _seen(basis: Basis, coefficients: NDArray[np.float32], move: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the values of one image, moved back, in the pixels in view, shape (n,)."""
    places = sample_places(move, basis.inside.shape, basis.pixel_mm, basis.centre)
    return moved_back(coefficients, places[:, basis.inside])


def _gauss_newton(
    basis: Basis, values: NDArray[np.float32], free: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the next step (v, 3) and the information (v, 3, 3) of images (v, n) moved back by the present moves."""
    root = basis.root_weights[:, None]
    orthonormal = basis.images * root
    weighted = values * basis.root_weights
    factors = weighted @ orthonormal
    residual = weighted - factors @ orthonormal.T
    slopes = [factors @ (gradient * root).T for gradient in basis.gradients]
    if free == 3:
        slopes.append(_turning(basis, slopes))
    change = np.stack(slopes, axis=1)
    change = -(change - (change @ orthonormal) @ orthonormal.T)
    normal = change @ change.transpose(0, 2, 1)
    slope = np.einsum("van,vn->va", change, residual)
    noise = (residual**2).sum(axis=1) / max(basis.seen_pixels - orthonormal.shape[1] - free, 1.0)
    floor = 1e-6 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-20
    step = np.linalg.solve(normal + floor * np.eye(free), slope[..., None])[..., 0]
    length = np.linalg.norm(step, axis=1, keepdims=True)
    steps, information = np.zeros((len(values), 3)), np.zeros((len(values), 3, 3))
    steps[:, :free] = step * np.minimum(1.0, LONGEST_STEP_MM / np.maximum(length, 1e-12))
    information[:, :free, :free] = normal / np.maximum(noise, 1e-20)[:, None, None]
    return steps, information


def _turning(basis: Basis, slopes: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return how images change along the arc of a turn from columns to rows, per mm at ``ARC_RADIUS_MM``."""
    place = (np.argwhere(basis.inside) - basis.centre) * basis.pixel_mm / ARC_RADIUS_MM
    return slopes[0] * place[:, 1] - slopes[1] * place[:, 0]


def _combined(moves: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the moves (n, 3) that do a step first, seen in the reference, and then the present move."""
    angle = moves[:, 2] / ARC_RADIUS_MM
    cosine, sine = np.cos(angle), np.sin(angle)
    rows = cosine * steps[:, 0] + sine * steps[:, 1]
    columns = cosine * steps[:, 1] - sine * steps[:, 0]
    return moves + np.stack([rows, columns, steps[:, 2]], axis=1)
