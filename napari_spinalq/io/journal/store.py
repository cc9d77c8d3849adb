"""Keeping the lines of a journal whatever happens: at home beside the results, else with the user, else in memory."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path

from napari_spinalq.io.journal.file import Flusher, GrowingFile
from napari_spinalq.io.trouble import reason

RETRY_S = 5.0
"""While its place is closed, it is tried again at most this often (s): a dead network drive answers slowly."""


class Place(StrEnum):
    """Where the last line went."""

    HOME = "home"
    AWAY = "away"
    MEMORY = "memory"


class JournalStore:
    """Holds all lines of a journal in memory, and in a file as far as there is a place for one.

    Nothing here raises when a disk refuses: the line is kept where it can be, and ``trouble`` says so.

    Parameters
    ----------
    home : Path
        The journal beside the results.
    away : Path
        Where it is kept while home cannot be written.
    content : bytes
        The whole lines that were read from either; nothing is written before the first new line.
    """

    def __init__(self, home: Path, away: Path, content: bytes = b"") -> None:
        self.home, self.away = home, away
        self.place = Place.HOME
        self.trouble = ""
        self.kept_aside: list[Path] = []
        self._content = bytearray(content)
        self._file: GrowingFile | None = None
        self._flusher = Flusher()
        self._banned = False
        self._copy_away = True
        self._tried = -RETRY_S

    @property
    def content(self) -> bytes:
        """All lines."""
        return bytes(self._content)

    def append(self, line: bytes) -> None:
        """Keep one more line; when this returns it is with the kernel, or ``trouble`` says that it is not."""
        self._content += line
        self._note_flush(self._flusher.error())
        self._write()

    def retry(self) -> bool:
        """Try again to bring everything home; True if it is there."""
        self._note_flush(self._flusher.error())
        if self.place is not Place.HOME:
            self._tried = -RETRY_S
            self._write()
        return self.place is Place.HOME

    def flush(self) -> bool:
        """Wait until all is on the disk; False if it is not."""
        self._note_flush(self._flusher.wait())
        return not self.trouble

    def leave_home(self) -> None:
        """Write no more at home, which is in someone else's hands by now; what follows is kept with the user."""
        self._banned = True
        self._let_go()
        self.place = Place.AWAY

    def move(self, home: Path, away: Path) -> None:
        """Take other places for home and away, and bring everything there; the file at the former place goes."""
        if home == self.home:
            return
        former = self._file.path if self._file is not None else None
        self.home, self.away, self.place = home, away, Place.HOME
        if not self._content:
            return
        self._write()
        if former is not None and self._file is not None:
            _remove_copy(former, self.content)

    def close(self) -> None:
        """Flush and let go of the file."""
        if self._file is not None and self.place is Place.HOME:
            self._flusher.ask(self._file.flush)
        self._let_go()
        self._flusher.close()

    def _write(self) -> None:
        """Bring a file up to date: the one at home if it may be tried, else the one of the user."""
        due = self.place is Place.HOME or time.monotonic() - self._tried >= RETRY_S
        if due and not self._banned:
            self._tried = time.monotonic()
            if self._bring(self.home):
                self._came_home()
                return
        self._copy_away = True
        self.place = Place.AWAY if self._bring(self.away) else Place.MEMORY

    def _bring(self, path: Path) -> bool:
        """Let a file hold all lines; False, and why in ``trouble``, if it cannot."""
        try:
            if self._file is None or self._file.path != path or not self._file.there:
                self._let_go()
                self._file = GrowingFile(path, self.content)
                self.kept_aside += [self._file.kept_aside] if self._file.kept_aside else []
            else:
                self._file.append(bytes(self._content[self._file.length :]))
        except OSError as error:
            self._let_go()
            self._note(path, error)
            return False
        self._flusher.ask(self._file.flush)
        return True

    def _came_home(self) -> None:
        if self._copy_away:
            _remove_copy(self.away, self.content)
        self._copy_away, self.place, self.trouble = False, Place.HOME, ""

    def _note(self, path: Path, error: OSError) -> None:
        if path == self.home:
            self.trouble = (
                f"The journal of edits cannot be written in {path.parent}: {reason(error)}. "
                f"Edits are kept in {self.away.parent} until it can."
            )
        else:
            self.trouble = (
                f"The journal of edits can be written neither beside the results nor in {path.parent}: "
                f"{reason(error)}. Edits are kept in memory alone: keep this window open until one of them is mended."
            )

    def _note_flush(self, error: OSError | None) -> None:
        """A flush that failed may have lost what was written before it: all is written anew, elsewhere."""
        if error is None or self._file is None:
            return
        path = self._file.path
        self._let_go()
        self._note(path, error)
        if path == self.home:
            self.place, self._tried = Place.MEMORY, time.monotonic()
            self._write()

    def _let_go(self) -> None:
        if self._file is not None:
            self._flusher.wait()
            self._file.close()
            self._file = None


def _remove_copy(path: Path, content: bytes) -> None:
    """Remove a file that holds nothing but what lies elsewhere by now.

    If the disk refuses, it is known as a shorter copy when it is met again.
    """
    try:
        if path.exists() and content.startswith(path.read_bytes()):
            path.unlink()
    except OSError:
        return
