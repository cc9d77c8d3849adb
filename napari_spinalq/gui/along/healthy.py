"""The healthy reference that fits what is open: its contrast, the structure, and the sex if the data set tells it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.gui.session import Session
from napari_spinalq.io.participants import Sex, find_sex
from napari_spinalq.norms.reference import Reference, reference_of, why_no_reference


def reference_at_hand(session: Session, attribute: str) -> tuple[Reference | None, str]:
    """Return the reference for a measure of the structure in hand, and who is in it or why there is none."""
    work = session.current
    if work is None:
        return None, ""
    contrast, structure = work.scan.contrast, session.structure
    why = why_no_reference(attribute, contrast, structure)
    if why:
        return None, why
    sex, remark = _sex(session)
    reference = reference_of(attribute, contrast, structure=structure, sex=sex)
    return reference, f"{reference.label}{remark}" if reference else ""


def _sex(session: Session) -> tuple[Sex | None, str]:
    source = session.current.scan.source
    if source is None or session.exam is None:
        return None, ""
    return _sex_of(source.path, session.exam.subject)


@lru_cache(maxsize=32)
def _sex_of(path: Path, subject: str) -> tuple[Sex | None, str]:
    """Read the table once a scan: it is asked for with every move of the brush."""
    try:
        return find_sex(path, subject), ""
    except InputError as error:
        return None, f" ({error})"
