"""Writing maps, corrected series, tracts and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_spinalq.derivatives.map_paths import MapPaths
from napari_spinalq.derivatives.map_tables import tract_labels, values_table
from napari_spinalq.diffusion.motion_table import motion_table, volume_table
from napari_spinalq.diffusion.tensor import direction_colours
from napari_spinalq.errors import InputError
from napari_spinalq.geometry import reorient_array, to_work_order
from napari_spinalq.io.atomic import as_utf8, refuse_overwrite, undone_on_failure, write_whole
from napari_spinalq.io.gradient_files import write_gradients
from napari_spinalq.io.save import save_map, save_mask, save_table
from napari_spinalq.io.sidecar import Provenance
from napari_spinalq.results import DiffusionSeries, MapsResult
from napari_spinalq.scan import Source
from napari_spinalq.tracts.maps import TractMaps

WHITE = 255
"""Full brightness of a direction colour."""

COLOURED = "Direction as colour times FA: red left-right, green anterior-posterior, blue superior-inferior"
DIRECTION = "Principal direction of diffusion, unit vectors in RAS"


@dataclass(frozen=True, eq=False)
class _Desk:
    """What every file of a maps result shares."""

    result: MapsResult
    paths: MapPaths
    source: Source
    overwrite: bool
    author: str

    def about(self, description: str, **parameters: Any) -> Provenance:
        """Return the provenance of one file."""
        told = {**self.result.parameters, **parameters}
        return Provenance(description, [self.source], told, self.result.flags, self.author)

    def map(self, data: NDArray, path: Path, description: str, **parameters: Any) -> Path:
        """Write a float32 map."""
        return save_map(data, self.result.scan, path, self.about(description, **parameters), overwrite=self.overwrite)

    def mask(self, data: NDArray, path: Path, description: str) -> Path:
        """Write a mask or level map."""
        return save_mask(data, self.result.scan, path, self.about(description), overwrite=self.overwrite)

    def table(self, table: pd.DataFrame, path: Path, description: str) -> Path:
        """Write a table."""
        return save_table(table, path, self.about(description), overwrite=self.overwrite)


def write_maps(result: MapsResult, paths: MapPaths, *, overwrite: bool = False, author: str = "") -> list[Path]:
    """Write all that belongs to the maps of one scan, or nothing.

    Parameters
    ----------
    result : MapsResult
        Of a diffusion series or an MT pair.
    paths : MapPaths
        Where it goes.
    overwrite : bool
        Whether existing files may be replaced.
    author : str
        As in :class:`~napari_spinalq.io.sidecar.Provenance`.

    Returns
    -------
    list of Path
        The files written, maps first.

    Raises
    ------
    InputError
        If one exists and may not be replaced, or the scan was made in memory.
    """
    source = result.scan.source
    if source is None:
        raise InputError("This image was made in memory; save it as NIfTI first, so that its results have a source.")
    refuse_overwrite(paths.with_sidecars(), overwrite=overwrite)
    desk = _Desk(result, paths, source, overwrite, author)
    with undone_on_failure(paths.with_sidecars()):
        written = [desk.map(one.data, paths.map(one.name), one.title, unit=one.unit) for one in result.maps]
        if result.series is not None:
            written += _write_series(desk, result.series)
            written += [
                desk.mask(result.mask, paths.cord, "Cord mask on the mean weighted image"),
                *_write_levels(desk),
            ]
        if result.tracts is not None:
            written += _write_tracts(desk, result.tracts)
        return [*written, *_write_carried(desk)]


def _write_series(desk: _Desk, series: DiffusionSeries) -> list[Path]:
    """Write the corrected series with its gradients, the coloured direction, and the motion."""
    paths = desk.paths
    written = [
        desk.map(direction_colours(series.fit) / np.float32(WHITE), paths.map("rgb"), COLOURED),
        desk.map(series.fit.direction, paths.map("direction"), DIRECTION),
        desk.map(np.asarray(series.corrected.data), paths.corrected, "Series corrected for motion of the cord"),
    ]
    stem = paths.gradients("bval").with_suffix("")
    written += write_gradients(series.gradients, series.corrected.grid, stem, overwrite=desk.overwrite)
    if series.motion is not None:
        slices, volumes = motion_table(series.motion), volume_table(series.motion)
        written.append(desk.table(slices, paths.motion, "Motion of the cord per volume and slice"))
        written.append(desk.table(volumes, paths.volumes, "Motion of the cord from volume to volume"))
    return written


def _write_levels(desk: _Desk) -> list[Path]:
    """Write the vertebral level of each voxel of the cord: that of its slice."""
    result = desk.result
    if not result.slice_levels.any():
        return []
    work, grid = to_work_order(result.mask, result.scan.grid)
    levels = (work * result.slice_levels[:, None, None]).astype(np.uint8)
    data = reorient_array(levels, grid, result.scan.grid.axis_codes)[0]
    return [desk.mask(data, desk.paths.levels, "Vertebral level of each voxel of the cord, by slice")]


def _write_tracts(desk: _Desk, tracts: TractMaps) -> list[Path]:
    """Write the share of each part as 4-D, which volume is which, and the values."""
    groups = [{"key": one.key, "title": one.title, "side": one.side.value, "members": list(one.members)}
              for one in tracts.groups]  # fmt: skip
    shares = np.moveaxis(tracts.fractions, 0, -1)
    written = [desk.map(shares, desk.paths.tracts, "Share of each part of the atlas in every voxel", groups=groups)]
    content = tract_labels(tracts).to_csv(index=False, sep="\t", lineterminator="\n")
    written.append(write_whole(desk.paths.tract_labels, as_utf8(content), overwrite=desk.overwrite))
    if desk.result.values:
        table = values_table(desk.result.values)
        written.append(desk.table(table, desk.paths.values, "Values per tract and level, with their intervals"))
    return written


def _write_carried(desk: _Desk) -> list[Path]:
    """Write what was carried from the anatomical scan, and how well that went."""
    titles = {"cord": "Cord of the anatomical scan, carried here", "gm": "Grey matter, carried here"}
    carried = desk.result.carried
    written = [desk.map(carried[name], desk.paths.carried(name), title) for name, title in titles.items()
               if name in carried]  # fmt: skip
    registration = desk.result.registration
    if registration is not None:
        row = {
            "source": desk.result.parameters.get("anatomical_scan", ""),
            "target": desk.result.scan.name,
            "dice_before": registration.dice_before,
            "dice_after": registration.dice_after,
        }
        written.append(desk.table(pd.DataFrame([row]), desk.paths.registration, "Overlap of the two cords (Dice)"))
    return written
