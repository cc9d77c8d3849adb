"""The door to the other programs."""

import pytest

from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.segment import refuse_unused, segment_with
from napari_spinalq.errors import BackendError, InputError
from napari_spinalq.io.nifti import load_scan


@pytest.mark.parametrize(("backend", "name"), [("sct", "Spinal Cord Toolbox"), ("totalspineseg", "TotalSpineSeg")])
def test_each_backend_asks_its_own_program(program, workshop, exam, backend, name):
    with pytest.raises(BackendError, match=f"{name} was not found"):
        segment_with(Backend(backend), load_scan(exam / "t2.nii.gz"), "cord")
    assert list(workshop.iterdir()) == []


def test_the_built_in_one_is_no_other_program(exam):
    with pytest.raises(InputError, match="not another program"):
        segment_with(Backend.BUILTIN, load_scan(exam / "t2.nii.gz"), "cord")


def test_options_of_the_built_in_one_are_not_left_unused():
    refuse_unused(Backend.BUILTIN, {"--at": "0,0,0"})
    refuse_unused(Backend.SCT, {"--at": None, "--soft": False})
    for value in ("0,0,0", 0.0, True):
        with pytest.raises(InputError, match="--at is only for the built-in"):
            refuse_unused(Backend.SCT, {"--at": value})
