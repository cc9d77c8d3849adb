"""A program that draws and saves until it is killed: journal and saving of the application, without a window."""

from __future__ import annotations

import random
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from napari_spinalq.geometry import WORK_AXES, reorient_array
from napari_spinalq.io.journal import Journal, between, find_journal, image_ref, mask_digest
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.io.save import save_mask
from napari_spinalq.io.sidecar import Provenance

SAVE_SHARE, UNDO_SHARE = 0.03, 0.25
"""How many of its deeds are saves, which take long (about half of its time), and undos or redos."""


class Painter:
    """Draws random boxes on a scan, and tells each deed once the call that wrote it has returned."""

    def __init__(self, tell: Connection, scan: Path, home: Path, saved: Path, seed: int) -> None:
        self.tell, self.saved, self.rng = tell, saved, random.Random(seed)
        self.scan = load_scan(scan)
        self.ref = image_ref(self.scan)
        text, _ = find_journal(home)
        self.journal = Journal.at(home, text)
        blank = np.zeros(self.ref.order.work_shape, np.uint8)
        self.mask = text.replay.state.masks.get((self.ref, "cord"), blank) if text else blank
        self.number = len(text.lines) if text else 0

    def stroke(self) -> None:
        after = self.mask.copy()
        low = [self.rng.randrange(count - 6) for count in after.shape]
        box = tuple(slice(start, start + self.rng.randint(1, 6)) for start in low)
        after[box] = self.rng.randint(0, 1)
        delta = between(self.mask, after, self.ref.order)
        self.journal.note_mask(self.ref, "cord", "brush", delta, slices=range(low[0], low[0] + 6))
        self.mask = after

    def move(self) -> None:
        move = self.journal.undo() if self.rng.random() < 0.7 else self.journal.redo()
        if move is None:
            self.stroke()
        else:
            delta = move.step.delta if move.forward else move.step.delta.undone()
            delta.write_to(self.mask, self.ref.order)

    def save(self) -> None:
        self.tell.send(("saving", 0, mask_digest(self.mask)))
        stored = reorient_array(self.mask, self.scan.grid.reoriented(WORK_AXES), self.scan.grid.axis_codes)[0]
        save_mask(stored, self.scan, self.saved, Provenance("Cord mask", [self.scan.source]), overwrite=True)
        self.journal.note_saved({(self.ref, "cord"): self.mask}, None)

    def go_on(self) -> None:
        share = self.rng.random()
        deed = (
            self.save
            if share < SAVE_SHARE and self.mask.any()
            else self.move
            if share < SAVE_SHARE + UNDO_SHARE
            else self.stroke
        )
        deed()
        self.number += 1
        self.tell.send(("saved" if deed == self.save else "wrote", self.number, mask_digest(self.mask)))


def paint(tell: Connection, scan: Path, home: Path, saved: Path, seed: int) -> None:
    """Draw until killed."""
    painter = Painter(tell, scan, home, saved, seed)
    tell.send(("begun", painter.number, mask_digest(painter.mask)))
    while True:
        painter.go_on()
