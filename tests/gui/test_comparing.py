"""Comparing with another scan or mask: what is shown, and that it is never edited."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_spinalq.contrast import Contrast
from napari_spinalq.geometry import Grid
from napari_spinalq.gui import dialogs
from napari_spinalq.gui.convert import mm_to_world, to_display
from napari_spinalq.gui.display import Plane, position, stand_at
from napari_spinalq.gui.views.comparing import Mode
from napari_spinalq.gui.views.other import is_mask, put_on, read_other
from napari_spinalq.scan import Scan

pytestmark = [pytest.mark.gui, pytest.mark.slow]


def _reader_mask(views, folder: Path, shift: int = 4) -> Path:
    """Write another reader's mask of the scan at hand: the same cord, some voxels to the patient's right."""
    work = views.desk.session.current
    moved = np.roll(np.asarray(work.mask.data), shift, axis=2)
    grid = work.scan.grid
    from napari_spinalq.gui.convert import from_display

    path = folder / "reader2_label-cord_mask.nii.gz"
    nib.save(nib.Nifti1Image(from_display(moved, grid).astype(np.uint8), grid.affine), path)
    return path


def _other_visit(views, folder: Path, shift_mm: float = 0.0) -> Path:
    """Write the scan at hand with its values turned upside down, shifted along the body, as another visit."""
    scan = views.desk.session.current.scan
    affine = np.array(scan.grid.affine)
    affine[2, 3] += shift_mm
    path = folder / "sub-other_T2w.nii.gz"
    nib.save(nib.Nifti1Image((1000 - np.asarray(scan.data)).astype(np.float32), affine), path)
    return path


def _compare(views, measured, monkeypatch, path: Path) -> None:
    monkeypatch.setattr(dialogs, "choose_compared", lambda _parent: str(path))
    views.bar.others.setCurrentIndex(views.bar.others.count() - 1)
    views.bar.others.activated.emit(views.bar.others.currentIndex())
    measured.wait()
    assert views.desk.comparer.other is not None


def _choose(views, mode: Mode) -> None:
    views.bar.modes.setCurrentIndex(list(Mode).index(mode))
    views.bar.modes.activated.emit(views.bar.modes.currentIndex())


def test_curtain_and_checkerboard_show_both(views, mouse, measured, qtbot, monkeypatch, tmp_path):
    pane = views.panes[Plane.AXIAL]
    own = pane.view.pixels.copy()
    _compare(views, measured, monkeypatch, _other_visit(views, tmp_path))
    qtbot.waitUntil(lambda: pane.content.banner == "compare: sub-other_T2w (read only)")
    half = own.shape[1] // 2
    np.testing.assert_array_equal(pane.view.pixels[:, : half - 1], own[:, : half - 1])
    assert (pane.view.pixels[:, half + 1 :] != own[:, half + 1 :]).mean() > 0.5
    place = pane.place()
    line = QPointF(place.left() + place.width() / 2, pane.height() / 2)
    before = position(views.desk.viewer)
    mouse.drag(pane, line, line + QPointF(10, 0), line + QPointF(20, 0))
    assert views.desk.comparer.curtain == pytest.approx(0.5 + 20 / place.width(), abs=0.01)
    np.testing.assert_array_equal(position(views.desk.viewer), before)
    _choose(views, Mode.CHECKERBOARD)
    qtbot.waitUntil(lambda: pane.content.curtain is None)
    same = (pane.view.pixels == own).all(axis=-1)
    assert 0.2 < same.mean() < 0.8
    views.bar.end.click()
    qtbot.waitUntil(lambda: (pane.view.pixels == own).all())
    assert pane.content.banner == ""


def test_blinking_between_two_scans_in_all_views(views, measured, qtbot, monkeypatch, tmp_path):
    _compare(views, measured, monkeypatch, _other_visit(views, tmp_path))
    _choose(views, Mode.BLINK)
    layer = next(one for one in views.desk.viewer.layers if one.name.startswith("compare: "))
    assert not layer.visible
    canvas = views.desk.viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: layer.visible)
    qtbot.waitUntil(lambda: "read only" in views.panes[Plane.SAGITTAL].content.banner)
    qtbot.keyClick(canvas, Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not layer.visible)
    views.bar.blink.click()
    qtbot.waitUntil(lambda: layer.visible, timeout=2000)
    qtbot.waitUntil(lambda: not layer.visible, timeout=2000)
    views.bar.blink.click()
    assert not views.desk.comparer.blinking
    assert not layer.visible


def test_another_readers_mask_takes_turns_with_the_one_in_hand(views, measured, qtbot, monkeypatch, tmp_path):
    mask = views.desk.session.current.mask
    _compare(views, measured, monkeypatch, _reader_mask(views, tmp_path))
    assert views.desk.comparer.other.image is None
    views.desk.comparer.blink()
    assert not mask.visible
    views.desk.comparer.blink()
    assert mask.visible


def test_what_is_compared_can_never_be_edited(views, measured, qtbot, monkeypatch, tmp_path):
    work = views.desk.session.current
    path = _reader_mask(views, tmp_path)
    bytes_before, active = path.read_bytes(), views.desk.viewer.layers.selection.active
    layers_before, works = dict(work.masks()), list(views.desk.session.works)
    _compare(views, measured, monkeypatch, path)
    assert views.desk.viewer.layers.selection.active is active, "the brush stays on the mask in hand"
    assert views.desk.session.works == works
    assert work.masks() == layers_before
    other = np.array(views.desk.comparer.other.mask_here)
    layer = next(one for one in views.desk.viewer.layers if one.name.startswith("compare: "))
    assert not hasattr(layer, "paint"), "an image layer has no brush"
    views.desk.viewer.layers.selection.active = layer
    measured.drag(position(views.desk.viewer), np.add(position(views.desk.viewer), (0, 4, 4)))
    np.testing.assert_array_equal(views.desk.comparer.other.mask_here, other)
    assert path.read_bytes() == bytes_before
    views.desk.viewer.layers.remove(layer)
    assert views.desk.comparer.other is None
    assert work.mask is not None


def test_another_scan_of_the_exam_is_resampled_and_says_so(views, measured, qtbot):
    titles = [views.bar.others.itemText(index) for index in range(views.bar.others.count())]
    chosen = next(index for index, title in enumerate(titles) if title.startswith("T2*"))
    told = []
    views.desk.told.connect(lambda kind, sentence: told.append((kind, sentence)))
    views.bar.others.setCurrentIndex(chosen)
    views.bar.others.activated.emit(chosen)
    measured.wait()
    other = views.desk.comparer.other
    assert other.same_exam
    assert other.image_here.shape == views.desk.session.current.image.data.shape
    assert any(kind == "warn" and "resampled" in sentence for kind, sentence in told)
    qtbot.waitUntil(lambda: "Resampled" in views.bar.note.text())
    measured.desk.opener.choose(chosen - 1)
    measured.wait()
    assert views.desk.comparer.other is None, "another scan at hand ends the comparison"


def test_side_by_side_goes_together(views, mouse, measured, qtbot, monkeypatch, tmp_path):
    _compare(views, measured, monkeypatch, _other_visit(views, tmp_path))
    _choose(views, Mode.SIDE)
    other = views.others[Plane.AXIAL]
    qtbot.waitUntil(lambda: other.isVisible() and other.view is not None)
    number = other.view.number
    assert number == views.panes[Plane.AXIAL].view.number, "the same mm"
    assert other.content.banner == "compare: sub-other_T2w (read only)"
    assert "aligned by mm" in other.content.caption
    mouse.wheel(other, 1)
    qtbot.waitUntil(lambda: other.view.number == number + 1)
    assert views.desk.viewer.dims.current_step[0] == number + 1
    spot = QPointF(other.width() / 2 + 8, other.height() / 2 - 12)
    target = other.world_at(spot)
    mouse.drag(other, spot)
    np.testing.assert_allclose(position(views.desk.viewer), target, atol=0.9)
    pane, before = views.panes[Plane.AXIAL], other.lens().mm_per_pixel
    mouse.wheel(other, 2, keys=mouse.CTRL)
    qtbot.waitUntil(lambda: other.lens().mm_per_pixel < before)
    assert other.lens().mm_per_pixel == pytest.approx(pane.lens().mm_per_pixel)


def test_two_visits_are_aligned_by_level(views, mouse, measured, qtbot, monkeypatch, tmp_path):
    """The other visit is the same patient shifted by 20 mm, with its saved mask and discs."""
    from dataclasses import replace

    from napari_spinalq.gui.views.comparing import course_of
    from napari_spinalq.levels.discs import Labelling

    desk = views.desk
    _compare(views, measured, monkeypatch, _other_visit(views, tmp_path, shift_mm=20.0))
    here = course_of(desk.session.current.centerline, desk.session.labelling)
    shift = np.array([0, 0, 20.0])
    discs = tuple(replace(disc, position_mm=tuple(np.array(disc.position_mm) + shift)) for disc in here.discs)
    centerline = type(here.centerline)(here.centerline.points_mm + shift)
    desk.comparer.other = replace(desk.comparer.other, course=course_of(centerline, Labelling(discs, confirmed=True)))
    _choose(views, Mode.SIDE)
    other = views.others[Plane.AXIAL]
    qtbot.waitUntil(lambda: other.view is not None and "aligned by level" in other.content.caption)
    assert other.view.number == views.panes[Plane.AXIAL].view.number, "its slices moved along with the patient"
    assert "level" in views.bar.note.text()
    there = other.content.point.copy()
    np.testing.assert_allclose(there - position(desk.viewer), (20.0, 0, 0), atol=0.2)
    before = position(desk.viewer)
    stand_at(desk.viewer, np.add(before, (8, 0, 0)))
    mouse.drag(other, other.spot(there))
    assert position(desk.viewer)[1] == pytest.approx(before[1], abs=1.0)


def test_another_visit_comes_with_its_saved_cord_and_discs(views, measured):
    desk = views.desk
    assert desk.save()
    scan = desk.session.current.scan
    other = read_other(scan.source.path, scan.grid, same_exam=False, progress=lambda _fraction, _phrase: None)
    np.testing.assert_array_equal(other.mask_here, desk.session.current.mask.data)
    here = desk.comparer.course()
    assert other.aligned_by(here) == "level"
    place = position(desk.viewer)
    np.testing.assert_allclose(other.place_there(place, scan.grid, here), place, atol=0.05)
    np.testing.assert_allclose(other.place_here(place, scan.grid, here), place, atol=0.05)


def test_putting_one_scan_on_the_grid_of_another_is_true_in_mm():
    own = Grid((30, 30, 20), np.diag([-1.0, 1.0, 2.0, 1.0]))
    target_affine = np.diag([0.5, 0.5, 2.0, 1.0])
    target_affine[:3, 3] = (-25, 2, 4)
    target = Grid((40, 40, 10), target_affine)
    image = own.voxel_to_mm(np.moveaxis(np.indices(own.shape), 0, -1)) @ np.array([1.0, 10.0, 100.0])
    mask = (image > image.mean()).astype(np.uint8)
    other = put_on(target, "there", own, image, mask)
    wanted = target.voxel_to_mm(np.moveaxis(np.indices(target.shape), 0, -1)) @ np.array([1.0, 10.0, 100.0])
    np.testing.assert_allclose(other.image_here, to_display(wanted, target), atol=0.02)
    assert set(np.unique(other.mask_here)) <= {0, 1}
    assert other.difference == "voxels of 1 x 1 x 2 mm against 0.5 x 0.5 x 2 mm"
    same = put_on(own, "here", own, image, None)
    assert same.difference == ""
    np.testing.assert_array_equal(same.image_here, to_display(image, own))
    world = mm_to_world((-10.0, 6.0, 8.0), target)
    np.testing.assert_allclose(other.place_there(world, target, None), mm_to_world((-10.0, 6.0, 8.0), own))


def test_a_mask_is_told_from_an_image():
    assert is_mask(np.array([0, 1, 1.0]))
    assert not is_mask(np.array([0, 1, 2]))
    assert not is_mask(np.zeros(3))
    assert not is_mask(Scan(np.linspace(0, 1, 8).reshape(2, 2, 2), Grid((2, 2, 2), np.eye(4)), Contrast.T2W).data)


def test_choosing_what_to_compare_never_stops_other_work(views, measured, qtbot, tmp_path):
    import threading

    desk, release = views.desk, threading.Event()
    told = []
    desk.told.connect(lambda kind, sentence: told.append((kind, sentence)))
    done = []
    desk.runner.run("Something long", lambda _: release.wait(10), done.append)
    desk.comparer.open(_other_visit(views, tmp_path))
    assert told[-1][0] == "warn"
    release.set()
    measured.wait()
    assert done == [True]
    assert desk.comparer.other is None
