"""The journal of edits: append-only, replayable, beside the results; and the lock that goes with it."""

from napari_spinalq.io.journal.delta import Delta, FileOrder, between, between_slices, changed_slices, mask_digest
from napari_spinalq.io.journal.history import History, Move, Step
from napari_spinalq.io.journal.journal import Journal, find_journal
from napari_spinalq.io.journal.lines import Automatic, CheckedLine, DiscsLine, GroundLine, ImageRef, MaskLine, image_ref
from napari_spinalq.io.journal.lock import Holder, Lock
from napari_spinalq.io.journal.places import aside_path, away_path
from napari_spinalq.io.journal.reading import JournalText, read_journal
from napari_spinalq.io.journal.replay import Deed, Making, Replay, State, automatic_masks, making, provenance, replay
from napari_spinalq.io.journal.store import JournalStore, Place

__all__ = [
    "Automatic",
    "CheckedLine",
    "Deed",
    "Delta",
    "DiscsLine",
    "FileOrder",
    "GroundLine",
    "History",
    "Holder",
    "ImageRef",
    "Journal",
    "JournalStore",
    "JournalText",
    "Lock",
    "Making",
    "MaskLine",
    "Move",
    "Place",
    "Replay",
    "State",
    "Step",
    "aside_path",
    "automatic_masks",
    "away_path",
    "between",
    "between_slices",
    "changed_slices",
    "find_journal",
    "image_ref",
    "making",
    "mask_digest",
    "provenance",
    "read_journal",
    "replay",
]
