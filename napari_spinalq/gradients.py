"""The diffusion scheme of a series as a value: b-values, and directions in RAS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid

B0_THRESHOLD = 50.0
"""A volume weighted by no more than this (s/mm2) counts as unweighted: many scanners cannot play out b = 0."""

SHELL_GAP = 100.0
"""Weighted volumes whose b-values lie closer than this (s/mm2) to a neighbour form one shell: scanners that account
for imaging gradients report b-values scattered by some tens around the nominal one."""

SAME_DIRECTION_DEG = 1.0
"""Directions closer than this (degrees), or as close to opposite, count as one."""

TENSOR_DIRECTIONS = 6
"""A tensor has six unknowns beside the signal without weighting (Basser et al. 1994, J Magn Reson B,
doi:10.1006/jmrb.1994.1037)."""

POOR_CONDITION, MAX_CONDITION = 10.0, 1000.0
"""Condition numbers of the design of the six tensor elements (see :func:`direction_condition`) from which a scheme is
flagged, and from which it is refused. Noise grows with it (Skare et al. 2000, J Magn Reson,
doi:10.1006/jmre.2000.2209). Even schemes have 1.6, the six edge-to-edge directions of a cube 2; above 10, some element
is many times as noisy; above 1000, the digits of a gradient file decide on it."""

ELEMENTS = (
    "left-right",
    "anterior-posterior",
    "superior-inferior",
    "left-right by anterior-posterior",
    "left-right by superior-inferior",
    "anterior-posterior by superior-inferior",
)
"""The six elements of a tensor in RAS: along the axes, then off the diagonal."""


@dataclass(frozen=True, eq=False)
class Shell:
    """Volumes of about one diffusion weighting.

    Attributes
    ----------
    b_value : float
        Mean of its volumes, s/mm2.
    volumes : array of int
        Their numbers in the series, from 0.
    """

    b_value: float
    volumes: NDArray[np.int_]


@dataclass(frozen=True, eq=False)
class GradientTable:
    """A diffusion scheme.

    Attributes
    ----------
    b_values : (n,) array
        s/mm2.
    directions : (n, 3) array
        Unit vectors in RAS (zero where b = 0).
    b0_threshold : float
        Volumes weighted by no more than this count as unweighted, s/mm2.
    """

    b_values: NDArray[np.float64]
    directions: NDArray[np.float64]
    b0_threshold: float = B0_THRESHOLD

    def __len__(self) -> int:
        return len(self.b_values)

    @property
    def unweighted(self) -> NDArray[np.bool_]:
        """Which volumes count as unweighted (b0), shape (n,)."""
        return self.b_values <= self.b0_threshold

    def shells(self) -> tuple[Shell, ...]:
        """Return the weighted volumes grouped by b-value, from low to high; unweighted volumes belong to none.

        Examples
        --------
        >>> table = GradientTable(np.array([0.0, 700, 2000, 710]), np.eye(4, 3))
        >>> [(shell.b_value, shell.volumes.tolist()) for shell in table.shells()]
        [(705.0, [1, 3]), (2000.0, [2])]
        """
        weighted = np.flatnonzero(~self.unweighted)
        ordered = weighted[np.argsort(self.b_values[weighted], kind="stable")]
        gaps = np.flatnonzero(np.diff(self.b_values[ordered]) > SHELL_GAP) + 1
        groups = [np.sort(group) for group in np.split(ordered, gaps) if len(group)]
        return tuple(Shell(float(self.b_values[group].mean()), group) for group in groups)

    def distinct_directions(self) -> NDArray[np.float64]:
        """Return the directions of weighted volumes without repeats and opposites, shape (m, 3), RAS."""
        kept: list[NDArray[np.float64]] = []
        for direction in self.directions[~self.unweighted]:
            if not kept or np.abs(np.stack(kept) @ direction).max() < np.cos(np.radians(SAME_DIRECTION_DEG)):
                kept.append(direction)
        return np.array(kept).reshape(-1, 3)

    def subset(self, volumes: NDArray) -> GradientTable:
        """Return the table of some volumes, by number or by a mask of shape (n,)."""
        return GradientTable(self.b_values[volumes], self.directions[volumes], self.b0_threshold)


def refuse_unless_tensor(gradients: GradientTable, name: str = "The series") -> None:
    """Check that a tensor can be fitted to a scheme.

    Parameters
    ----------
    gradients : GradientTable
        The scheme.
    name : str
        Whose scheme it is, for the message.

    Raises
    ------
    InputError
        If there is no unweighted volume, there are fewer than six distinct directions, or they lie so that some
        element of the tensor cannot be told (all near one cone or plane).
    """
    refuse_without_unweighted(gradients.b_values, gradients.b0_threshold, name)
    distinct = gradients.distinct_directions()
    if len(distinct) < TENSOR_DIRECTIONS:
        raise InputError(
            f"{name} has {len(distinct)} distinct diffusion directions (repeats and opposites count once); a tensor "
            f"needs at least {TENSOR_DIRECTIONS}."
        )
    condition = direction_condition(distinct)
    if condition > MAX_CONDITION:
        raise InputError(
            f"The {len(distinct)} diffusion directions of {name[0].lower() + name[1:]} lie nearly in one plane or on "
            f"one cone (condition number {condition:.3g}, at most {MAX_CONDITION:g}), so that no tensor can be told "
            "from them; check the gradient file."
        )


def refuse_without_unweighted(b_values: NDArray[np.float64], b0_threshold: float, name: str) -> None:
    """Check that a scheme has a volume without weighting.

    Raises
    ------
    InputError
        If it has none; the message names the lowest b-value and says what to do.
    """
    if (b_values > b0_threshold).all():
        raise InputError(
            f"{name} has no volume without diffusion weighting: the lowest b-value is {b_values.min():g} s/mm2, above "
            f"the threshold of {b0_threshold:g}; raise the b0 threshold to it if that volume counts as unweighted, or "
            "add the b0 volumes to the series."
        )


def direction_condition(directions: NDArray[np.float64]) -> float:
    """Return the condition number of the design matrix of the six tensor elements; inf where some cannot be told.

    Parameters
    ----------
    directions : (m, 3) array
        Unit vectors.
    """
    singular = np.linalg.svd(_element_design(directions), compute_uv=False)
    return float(singular[0] / singular[-1]) if len(singular) == 6 and singular[-1] > 1e-12 else float("inf")


def weakest_element(directions: NDArray[np.float64]) -> str:
    """Name the tensor element that directions (m, 3) in RAS, m >= 6, tell least about.

    Examples
    --------
    >>> axes, diagonal = np.eye(3), np.sqrt(0.5)
    >>> pairs = np.array([[1, 1, 0], [1, -1, 0], [0, 1, 1]]) * diagonal
    >>> weakest_element(np.vstack([axes, pairs]))
    'left-right by superior-inferior'
    """
    weakest = np.linalg.svd(_element_design(directions))[2][-1]
    return ELEMENTS[int(np.abs(weakest).argmax())]


def _element_design(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each direction measures of the six tensor elements, shape (m, 6), in the order of ``ELEMENTS``."""
    x, y, z = directions.T
    # sqrt(2) makes the six elements a vector whose length is that of the tensor, whatever the axes
    return np.stack([x * x, y * y, z * z, np.sqrt(2) * x * y, np.sqrt(2) * x * z, np.sqrt(2) * y * z], axis=1)


def fsl_directions(directions: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Express RAS directions (n, 3) as an FSL ``bvecs`` file does.

    Components are along the array axes, and the first is negated where the affine has a positive determinant
    (neurological storage), as the FSL FDT documentation defines.

    Examples
    --------
    >>> fsl_directions(np.array([[1.0, 0.0, 0.0]]), Grid((2, 2, 2), np.eye(4))).tolist()
    [[-1.0, 0.0, 0.0]]
    """
    return directions @ _fsl_frame(grid) + 0.0  # turns -0.0 into 0.0


def ras_directions(fsl: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Express directions (n, 3) of an FSL ``bvecs`` file in RAS; the inverse of :func:`fsl_directions`."""
    return fsl @ np.linalg.inv(_fsl_frame(grid)) + 0.0


def _fsl_frame(grid: Grid) -> NDArray[np.float64]:
    """Return the axes of an FSL ``bvecs`` file as columns in RAS."""
    axes = grid.affine[:3, :3] / np.asarray(grid.spacing)
    return axes * [-1.0, 1.0, 1.0] if np.linalg.det(axes) > 0 else axes
