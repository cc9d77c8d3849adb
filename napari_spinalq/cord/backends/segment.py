"""One door to the other programs that segment."""

from __future__ import annotations

from collections.abc import Mapping

from napari_spinalq.cord.backends import Backend
from napari_spinalq.cord.backends.exchange import ExternalMask
from napari_spinalq.cord.backends.sct import segment_with_sct
from napari_spinalq.cord.backends.totalspineseg import segment_with_totalspineseg
from napari_spinalq.errors import InputError
from napari_spinalq.progress import Progress, silent
from napari_spinalq.scan import Scan


def segment_with(backend: Backend, scan: Scan, structure: str, progress: Progress = silent) -> ExternalMask:
    """Segment a structure with another program.

    Parameters
    ----------
    backend : Backend
        Any but the built-in one.
    scan : Scan
        The image.
    structure : str
        ``"cord"``; ``"gm"`` with Spinal Cord Toolbox; ``"canal"`` with TotalSpineSeg.
    progress : Progress
        Told that it runs; may stop it.

    Raises
    ------
    InputError
        If the program does not segment that structure, is missing, or fails.
    """
    if backend is Backend.SCT:
        return segment_with_sct(scan, structure, progress)
    if backend is Backend.TOTALSPINESEG:
        return segment_with_totalspineseg(scan, structure, progress)
    raise InputError(f"{backend.value} is not another program; choose sct or totalspineseg.")


def refuse_unused(backend: Backend, options: Mapping[str, object]) -> None:
    """Refuse options that only the built-in segmentation understands, rather than leave them unused.

    Parameters
    ----------
    backend : Backend
        The chosen one.
    options : mapping of str to object
        Value of each such option; None or False means that it was not given.

    Raises
    ------
    InputError
        If one was given with another program.
    """
    given = [name for name, value in options.items() if value is not None and value is not False]
    if backend is not Backend.BUILTIN and given:
        raise InputError(f"{given[0]} is only for the built-in segmentation; leave it out with --backend {backend}.")
