"""Matching one image of each slice to an image of another contrast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.registration.slicewise.along import Smoothed, smooth_along
from napari_spinalq.registration.slicewise.frame import SliceFrame
from napari_spinalq.registration.slicewise.match import Basis, intensity_functions, make_basis
from napari_spinalq.registration.slicewise.stack import best_moves, refine_moves, score_moves
from napari_spinalq.registration.slicewise.warp import spline_coefficients

PASSES = 2
"""Slices that went astray in the first pass start the second from where their neighbours are."""


def match_contrasts(
    reference: NDArray,
    image: NDArray,
    weights: NDArray[np.float64],
    frame: SliceFrame,
    centres: NDArray[np.float64],
    *,
    rotation: bool = False,
    threads: int | None = None,
) -> Smoothed:
    """Find how each slice of an image moved against a reference, whatever their contrasts.

    The image is sought as a smooth function of the values of the reference, so the reference should be the one in
    which cord, CSF and the tissue around differ most: a weighted image, dark in all but the cord, can be told from
    one without weighting, but not the other way round.

    Parameters
    ----------
    reference, image : (n_slices, rows, columns) array
        Two contrasts on the same pixels.
    weights : (n_slices, rows, columns) array
        Window around the cord.
    frame : SliceFrame
        Of the slices.
    centres : (n_slices, 2) array
        Pixel about which each slice turns.
    rotation : bool
        Whether turns are sought, too.
    threads : int, optional
        One by default.

    Returns
    -------
    Smoothed
        Moves (1, n_slices, 3), mm, slices weighed against their neighbours.
    """
    images = np.asarray(image, dtype=np.float32)[:, None]
    coefficients = spline_coefficients(images)
    bases = [
        make_basis(intensity_functions(one, weight), weight, frame.pixel_mm, centre)
        for one, weight, centre in zip(reference, weights, centres, strict=True)
    ]

    def basis(z: int, _: int) -> Basis:
        return bases[z]

    moves = best_moves(score_moves(basis, images, frame.pixel_mm, threads), frame.pixel_mm)
    for _ in range(PASSES):
        measured, information = refine_moves(basis, coefficients, moves, rotation=rotation, threads=threads)
        found = smooth_along(measured, information, frame.slice_mm, rotation=rotation, cautious=True)
        moves = found.moves
    return found
