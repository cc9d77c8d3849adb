"""Cord, grey and white matter and canal of one scan while any of them is edited."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_spinalq.geometry import Grid
from napari_spinalq.metrics.live import LiveShapes
from napari_spinalq.metrics.white_matter import white_matter


class LiveStructures:
    """Live shapes of the structures that are drawn, and of the white matter between two of them.

    Nothing is computed for a structure whose numbers nobody asks for.

    Parameters
    ----------
    cord : array, shape ``work_grid.shape``
        Labels of the cord in work order, 1 = cord.
    work_grid : Grid
        Grid of the arrays, axes S, A, R.
    slice_levels : (n_slices,) array of int, optional
        Vertebral level of every slice; 0 = none.
    """

    def __init__(self, cord: NDArray, work_grid: Grid, slice_levels: ArrayLike | None = None) -> None:
        self.cord = LiveShapes(cord, work_grid, slice_levels)
        self._grid, self._levels = work_grid, slice_levels
        self._arrays: dict[str, NDArray] = {"cord": cord}
        self._shapes: dict[str, LiveShapes] = {"cord": self.cord}

    def shapes(self, name: str) -> LiveShapes | None:
        """Return the live shapes of ``"cord"``, ``"gm"``, ``"wm"`` or ``"canal"``; None for one that is not drawn."""
        return self._shapes.get(name)

    def take(self, name: str, array: NDArray, slices: Iterable[int] | None = None) -> list[int]:
        """Take in a structure, new or edited.

        Parameters
        ----------
        name : str
            ``"cord"``, ``"gm"`` or ``"canal"``.
        array : array, shape ``work_grid.shape``
            Its labels, 1 = inside.
        slices : iterable of int, optional
            Slices that may have changed; by default all are compared with what was seen last.

        Returns
        -------
        list of int
            Slices that were measured again, ascending.
        """
        self._arrays[name] = array
        if name in self._shapes:
            touched = self._shapes[name].update(array, slices)
        else:
            self._shapes[name] = LiveShapes(array, self._grid, self._levels, structure=name, cord=self.cord)
            touched = list(range(self._grid.shape[0]))
        if touched and name != "canal":
            self._follow_white_matter(touched)
        return touched

    def drop(self, name: str) -> None:
        """Forget a structure other than the cord."""
        for gone in (name, "wm") if name == "gm" else (name,):
            self._shapes.pop(gone, None)
            self._arrays.pop(gone, None)

    def set_levels(self, slice_levels: ArrayLike | None) -> None:
        """Name the levels anew (None: no levels); nothing is measured again."""
        self._levels = slice_levels
        for shapes in self._shapes.values():
            shapes.set_levels(slice_levels)

    def _follow_white_matter(self, touched: list[int]) -> None:
        if "gm" not in self._arrays:
            return
        if "wm" not in self._shapes:
            self._arrays["wm"] = np.zeros(self._grid.shape, np.float32)
            self._shapes["wm"] = LiveShapes(
                self._arrays["wm"], self._grid, self._levels, label=None, structure="wm", cord=self.cord
            )
            touched = list(range(self._grid.shape[0]))
        cord, grey = (self._arrays[name][touched] == 1 for name in ("cord", "gm"))
        self._arrays["wm"][touched] = white_matter(cord, grey)
        self._shapes["wm"].update(self._arrays["wm"], touched)
