"""The layers of the work: the scan, its mask and the discs, each with the look that tells it apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Layer, Points
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_spinalq.geometry import WORK_AXES, Grid
from napari_spinalq.gui.colours import DISC_COLOUR, GUESS_COLOUR, STRUCTURE_COLOURS
from napari_spinalq.gui.convert import (
    AXES,
    GRID_KEY,
    image_layer,
    labels_layer,
    mm_to_world,
    placement,
    world_to_mm,
)
from napari_spinalq.levels.discs import Disc, Origin
from napari_spinalq.quality.readers.overlap import BOTH, FIRST_ONLY, SECOND_ONLY
from napari_spinalq.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel

    from napari_spinalq.gui.work import ScanWork

OUTLINE_VOXELS = 1
"""Width of the outline by which a mask is shown that is not in hand: what is painted on is filled."""

MASK_OPACITY, FAINT_OPACITY = 0.45, 0.2
BRUSH_VOXELS = 3
DISC_SIZE_MM = 3.0
"""Small enough to leave the disc visible, large enough to catch with the mouse."""

NAME_OFFSET_MM = (0.0, 2.5, 0.0)
"""A name stands in front of its disc (z, y, x), on the vertebrae: there it hides neither disc nor cord."""

SLAB_MM = (0.0, 40.0, 24.0)
"""How deep (z, y, x) a plane gathers discs: a curved neck leaves the mid-sagittal plane by about a centimetre and the
coronal one by two; in axial planes a disc shows in its own slice only."""

SCRIBBLE_IN, SCRIBBLE_OUT = 1, 2
SCRIBBLE_COLOURS = {SCRIBBLE_IN: "#F0E442", SCRIBBLE_OUT: "#0072B2"}
"""Yellow is cord, blue is not (Okabe and Ito): every kind of colour vision tells the two apart, and both stand out from
the orange of the mask."""

DIFFERENCE_COLOURS = {FIRST_ONLY: "#D55E00", SECOND_ONLY: "#0072B2", BOTH: "transparent"}
"""Vermilion is the first read alone, blue the second alone (Okabe and Ito); where both agree the image is seen."""

CONSENSUS_COLOUR = "#F0E442"
DIFFERENCE_OPACITY = 0.6
DIFFERENCE_LAYER = "Difference: vermilion first, blue second"
SCRIBBLE_OPACITY = 0.8
SCRIBBLE_VOXELS = 2
SCRIBBLE_LAYER = "Scribbles: yellow in, blue out"
DISC_LAYER = "Discs"
MASK_SUFFIXES = {"cord": " cord", "gm": " GM", "canal": " canal"}
"""What follows the name of the scan in the name of a mask's layer."""


def add_image(viewer: ViewerModel, scan: Scan) -> Image:
    """Add the layer of a scan."""
    data, settings, _ = image_layer(scan)
    return viewer.add_image(data, **settings)


def twin(image: Image) -> Image:
    """Return a second layer of a scan, on the same voxels and with the same look; it is in no viewer yet."""
    data, settings, kind = image.as_layer_data_tuple()
    return Layer.create(data, settings, kind)


def add_difference(viewer: ViewerModel, difference: NDArray, grid: Grid) -> Labels:
    """Add the layer that shows where two masks differ, in work order; it is not saved and not painted on."""
    _, settings, _ = labels_layer(np.zeros((1, 1, 1), np.uint8), grid, DIFFERENCE_LAYER)
    del settings["metadata"]  # without the grid it is taken for no mask of the scan
    layer = viewer.add_labels(difference, **settings)
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent"} | DIFFERENCE_COLOURS)
    layer.opacity = DIFFERENCE_OPACITY
    layer.editable = False
    return layer


def style_consensus(layer: Labels) -> Labels:
    """Show a consensus as an outline in yellow: it is told from both reads, and where they differ can be seen."""
    colours = {None: "transparent", 0: "transparent", 1: CONSENSUS_COLOUR}
    layer.colormap = DirectLabelColormap(color_dict=colours)
    layer.contour, layer.opacity = OUTLINE_VOXELS, 1.0
    return layer


def add_mask(viewer: ViewerModel, mask: NDArray, scan: Scan, image: Image, structure: str = "cord") -> Labels:
    """Add a mask of a scan (in the axis order of its file) as a layer to paint on, just above its image.

    If that image is not on display (another scan, or a second read, was taken in hand meanwhile), the layer is made but
    not shown: it comes into the viewer together with its image.
    """
    data, settings, _ = labels_layer(mask, scan.grid, scan.name + MASK_SUFFIXES[structure])
    layer = style_mask(Labels(data, **settings), structure)
    if image in viewer.layers:
        viewer.layers.insert(viewer.layers.index(image) + 1, layer)
    return layer


def names_of(work: ScanWork | None) -> list[tuple[Image | Labels, str]]:
    """Return the layers of a scan and what they are called."""
    if work is None:
        return []
    masks = ((layer, work.scan.name + MASK_SUFFIXES[name]) for name, layer in work.masks().items())
    return [(work.image, work.scan.name), *masks]


def style_mask(layer: Labels, structure: str = "cord") -> Labels:
    """Give a labels layer the look and the brush of a mask."""
    colour = STRUCTURE_COLOURS[structure]
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: colour})
    layer.opacity = MASK_OPACITY
    layer.selected_label = 1
    layer.brush_size = BRUSH_VOXELS
    return layer


def add_scribbles(viewer: ViewerModel, scan: Scan) -> Labels:
    """Add an empty layer to paint on what is cord and what is not; it is not saved."""
    _, settings, _ = labels_layer(np.zeros((1, 1, 1), np.uint8), scan.grid, SCRIBBLE_LAYER)
    del settings["metadata"]  # without the grid it is taken for no mask of the scan
    layer = viewer.add_labels(np.zeros(scan.grid.reoriented(WORK_AXES).shape, np.uint8), **settings)
    layer.colormap = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent"} | SCRIBBLE_COLOURS)
    layer.opacity = SCRIBBLE_OPACITY
    layer.brush_size = SCRIBBLE_VOXELS
    return layer


def stack_masks(
    viewer: ViewerModel, masks: Mapping[str, Labels], image: Image, in_hand: str, *, see_through: bool = False
) -> None:
    """Put the masks of a scan above its image in the given order; the one in hand is filled, others are outlines.

    If the one in hand is not drawn yet, the cord is filled; with ``see_through`` none is, and the lines are faint.
    """
    filled = in_hand if in_hand in masks else "cord"
    for name, layer in masks.items():
        fill = name == filled and not see_through
        layer.contour = 0 if fill else OUTLINE_VOXELS
        layer.opacity = FAINT_OPACITY if see_through else MASK_OPACITY if fill else 1.0
    shown = [layer for layer in masks.values() if layer in viewer.layers]
    if image not in viewer.layers:
        return
    for layer in reversed(shown):
        viewer.layers.move(viewer.layers.index(layer), viewer.layers.index(image) + 1)


def add_discs(viewer: ViewerModel) -> Points:
    """Add the empty layer of the discs."""
    layer = viewer.add_points(
        np.zeros((0, 3)),
        name=DISC_LAYER,
        border_width=0.12,
        border_color="white",
        face_color=DISC_COLOUR,
        features=pd.DataFrame({"disc": pd.Series(dtype=str)}),
        text={"string": "{disc}", "color": "white", "size": 11, "anchor": "lower_right"},
        units=("mm",) * 3,
        axis_labels=AXES,
    )
    layer.projection_mode = "all"
    return layer


def show_discs(layer: Points, discs: Sequence[Disc], grid: Grid) -> None:
    """Show these discs, in this order, in the world of the scan on ``grid``.

    A seen disc is filled, a guessed one (interpolated, estimated) is a ring. The layer takes the voxels of the scan, so
    that the sliders go on stepping by its slices.
    """
    scale, translate = placement(grid)
    layer.selected_data = set()
    layer.data = np.zeros((0, 3))
    layer.scale, layer.translate = scale, translate
    layer.metadata[GRID_KEY] = grid
    layer.data = (mm_to_world(_places(discs), grid) - translate) / scale
    layer.features = pd.DataFrame({"disc": [disc.name for disc in discs]}, dtype=str)
    layer.text.translation = np.asarray(NAME_OFFSET_MM) / scale
    layer.current_size = DISC_SIZE_MM / scale[-1]
    if discs:
        guessed = [is_guess(disc) for disc in discs]
        layer.symbol = ["ring" if guess else "disc" for guess in guessed]
        layer.face_color = [GUESS_COLOUR if guess else DISC_COLOUR for guess in guessed]
        layer.size = DISC_SIZE_MM / scale[-1]


def is_guess(disc: Disc) -> bool:
    """Tell whether nobody saw or clicked the disc: its place was interpolated or estimated."""
    return disc.origin in (Origin.INTERPOLATED, Origin.ESTIMATED)


def disc_places(layer: Points) -> NDArray[np.float64]:
    """Return where the points of the discs lie, shape (n, 3), RAS mm."""
    world = np.asarray(layer.data, dtype=float) * layer.scale + layer.translate
    return world_to_mm(world, layer.metadata[GRID_KEY])


def _places(discs: Sequence[Disc]) -> NDArray[np.float64]:
    return np.array([disc.position_mm for disc in discs], dtype=float).reshape(-1, 3)


def gather_discs(viewer: ViewerModel, grid: Grid) -> None:
    """Let the planes gather discs as deep as :data:`SLAB_MM` says (images stay single slices)."""
    extra = viewer.dims.ndim - 3
    depth = np.maximum(SLAB_MM, grid.reoriented(WORK_AXES).spacing)
    viewer.dims.thickness = (0.0,) * extra + tuple(float(value) for value in depth)


def remove(viewer: ViewerModel, layer: Any) -> None:
    """Remove a layer if it is still in the viewer."""
    if layer is not None and layer in viewer.layers:
        viewer.layers.remove(layer)
