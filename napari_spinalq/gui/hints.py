"""What to do next, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_spinalq.gui.session import Session


def next_step(session: Session) -> str:
    """Return the next step of the work for where the session stands."""
    work, labelling = session.current, session.labelling
    if work is None:
        return "Open an exam, or drop a NIfTI scan on the image."
    if work.rater:
        return "Page Raters: save this read (F9), then go back." if session.unsaved else "This read is saved."
    if work.mask is None:
        return "Next: press Segment cord (F7)."
    if not labelling.discs:
        return "Next: press Find discs (F8), or click on one disc."
    if not labelling.confirmed:
        return "Next: check the names of the discs on the image."
    if session.unsaved:
        return "Mend a slice if need be (Ctrl+F7: the others follow), then save (F9)."
    return "All is saved."
