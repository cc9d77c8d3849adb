"""What a move of the brush is said to have touched holds every slice that it changed."""

import numpy as np
import pytest

from napari_spinalq.gui.display import Plane
from napari_spinalq.gui.measuring import touched_slices


@pytest.mark.parametrize("plane", [Plane.AXIAL, Plane.SAGITTAL, Plane.CORONAL])
def test_a_stroke_in_any_plane(measured, plane):
    desk, layer, said = measured.desk, measured.desk.session.current.mask, []
    desk.measurer.go_to_slice(100)
    desk.show_plane(plane)
    measured.viewer.layers.selection.active = layer
    layer.mode = "paint"
    before = np.asarray(layer.data).copy()
    layer.events.labels_update.connect(lambda event: said.append(touched_slices(event, measured.viewer)))
    centre = np.asarray(measured.viewer.dims.point[-3:])
    across = {Plane.AXIAL: (0, 6, 6), Plane.SAGITTAL: (6, 8, 0), Plane.CORONAL: (6, 0, 8)}[plane]
    measured.drag(centre, centre + np.array(across) / 2, centre + np.array(across))
    changed = set(np.flatnonzero((np.asarray(layer.data) != before).any(axis=(1, 2))).tolist())
    assert changed
    assert said
    assert changed <= set().union(*said)
    assert max(len(slices) for slices in said) < 15, "far fewer than all"


def test_nothing_is_claimed_of_other_events_and_of_brushes_through_slices(measured):
    layer, said = measured.desk.session.current.mask, []
    for emitter in (layer.events.labels_update, layer.events.paint, layer.events.set_data):
        emitter.connect(lambda event: said.append((event.type, touched_slices(event, measured.viewer))))
    layer.n_edit_dimensions = 3
    layer.data_setitem((np.array([50, 51]), np.array([10, 10]), np.array([10, 10])), 1)
    layer.refresh()
    assert {name for name, _ in said} >= {"labels_update", "set_data"}
    assert all(slices is None for _, slices in said)
