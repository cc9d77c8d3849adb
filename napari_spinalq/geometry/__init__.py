"""Where voxels lie: grids, orientation and resampling. No file and no image value is known here."""

from napari_spinalq.geometry.box import box_around
from napari_spinalq.geometry.grid import GRID_TOLERANCE_MM, WORK_AXES, Grid
from napari_spinalq.geometry.orient import in_work_layout, reorient_array, to_work_order, work_view
from napari_spinalq.geometry.parallel import angle_between_deg, parallel_grid, places_in_slices, sample_at
from napari_spinalq.geometry.resample import resample_array

__all__ = [
    "GRID_TOLERANCE_MM",
    "WORK_AXES",
    "Grid",
    "angle_between_deg",
    "box_around",
    "in_work_layout",
    "parallel_grid",
    "places_in_slices",
    "reorient_array",
    "resample_array",
    "sample_at",
    "to_work_order",
    "work_view",
]
