"""Exams that several tests of the phantom look at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_spinalq.phantom import ExamDesign, PhantomExam, TractChange, healthy_design, make_exam
from napari_spinalq.phantom.protocol import PROTOCOLS, Protocol

SMALL_SLAB = replace(PROTOCOLS[0], shape=(24, 60, 190), middle_mm=0.0, anterior_mm=0.0)
"""The T2w scan cut down to the canal, from T1 to the foramen magnum."""


@pytest.fixture(scope="session")
def clean_design() -> ExamDesign:
    """A healthy person in an oblique pose, scanned without noise and bias, one tract changed on the left."""
    changes = {"lateral_cst_left": TractChange(fa=0.6, md=1.3, mtr=0.5, t2=1.5)}
    return replace(healthy_design(7), noise=0.0, bias=0.0, tract_changes=changes)


@pytest.fixture(scope="session")
def clean_exam(clean_design: ExamDesign) -> PhantomExam:
    """All axial scans of the clean person."""
    return make_exam(clean_design, contrasts=("t2star", "psir", "mt_on", "mt_off", "dwi"))


@pytest.fixture(scope="session")
def small_slab() -> Protocol:
    return SMALL_SLAB


@pytest.fixture(scope="session")
def slab_exam(clean_design: ExamDesign) -> PhantomExam:
    """The T2w slab of the clean person."""
    return make_exam(clean_design, contrasts=("t2w",), protocols=(SMALL_SLAB,))
