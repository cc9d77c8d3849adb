"""Where ratings are kept: a table in the folder of results, and the user's own folder while that cannot be written."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from napari_spinalq.errors import InputError
from napari_spinalq.io.atomic import as_utf8, write_whole
from napari_spinalq.quality.worklist.ratings import (
    Rating,
    RatingTable,
    Verdict,
    as_line,
    by_mask,
    header_line,
    read_table,
    standing,
)
from napari_spinalq.quality.worklist.sct_lists import LISTS, correction_list, is_ours

RATINGS_NAME = "ratings.tsv"

LOCK_WAIT_S = 2.0
"""Another rater's write takes milliseconds; on a slow network drive it may take seconds."""

LOCK_STALE_S = 30.0
"""A lock older than this was left by a program that died while it wrote."""

STATE_VARIABLE = "SPINALQ_STATE"


class RatingFile:
    """The ratings of one folder of results.

    Rows are only ever added. Every write reads the table again first, so that rows of others stay, and puts back rows
    of this session should any be missing. Lines that cannot be read, and columns of others, are kept as they are.

    Parameters
    ----------
    folder : Path
        The folder of results.
    images : mapping of str to str
        File name of the image, by mask, for the lists of failed results.
    """

    def __init__(self, folder: Path, images: Mapping[str, str]) -> None:
        self.path = folder / RATINGS_NAME
        self.kept = state_folder() / "ratings" / f"{_key(folder)}.tsv"
        self._images = dict(images)
        self._own: list[Rating] = []
        self._table = RatingTable(())

    @property
    def rows(self) -> tuple[Rating, ...]:
        """All rows that are known: those of the table, and those that could not be written to it yet."""
        known = set(self._table.rows)
        return (*self._table.rows, *(row for row in self._own if row not in known))

    @property
    def waiting(self) -> int:
        """Number of ratings that are not in the folder of results yet."""
        known = set(self._table.rows)
        return sum(row not in known for row in self._own)

    @property
    def bad_lines(self) -> tuple[int, ...]:
        """Numbers of the lines of the table that cannot be read."""
        return self._table.bad_lines

    def load(self) -> None:
        """Read the table, and the ratings that were kept because it could not be written.

        Raises
        ------
        InputError
            If there is a file of that name that is no table of ratings, or it cannot be read.
        """
        self._own += [row for row in _read(self.kept).rows if row not in self._own]
        self._table = _read(self.path)

    def add(self, *ratings: Rating) -> None:
        """Add ratings.

        Raises
        ------
        InputError
            If the table cannot be written: then the ratings are kept in the user's own folder (where even that fails,
            in memory), and are written with the next one that can be.
        """
        self._own += ratings
        self.flush()

    def flush(self) -> None:
        """Write what is not in the table yet; raises as :meth:`add`."""
        try:
            with _locked(self.path):
                self._table = _append(self.path, self._own)
                self._write_lists()
        except (InputError, OSError) as error:
            self._keep(error)
        else:
            self.kept.unlink(missing_ok=True)

    def _write_lists(self) -> None:
        stands = [row for rows in by_mask(standing(self._table.rows)).values() for row in rows]
        for verdict, name in LISTS.items():
            self._write_list(self.path.with_name(name), correction_list(stands, verdict, self._images), verdict, stands)

    def _write_list(self, path: Path, text: str, verdict: Verdict, stands: Sequence[Rating]) -> None:
        """Write a list, unless it is another program's, or there is nothing to list and none is there."""
        there = _text(path)
        if there == text or (there is None and not any(row.verdict is verdict for row in stands)):
            return
        if there is not None and not is_ours(there):
            path = path.with_name(f"{path.stem}_spinalq.yml")
        write_whole(path, as_utf8(text), overwrite=True)

    def _keep(self, cause: Exception) -> None:
        why = str(cause) if isinstance(cause, InputError) else f"{self.path} cannot be written ({_reason(cause)})."
        try:
            _append(self.kept, [row for row in self._own if row not in set(self._table.rows)])
            where = f"in {self.kept}"
        except (InputError, OSError):
            where = "in memory only"
        raise InputError(f"{why} The ratings are kept {where} and are written here as soon as that works.") from None


def state_folder() -> Path:
    """Return the folder for what must survive a restart and belongs to nobody else.

    It is what ``SPINALQ_STATE`` names, else the place that the system has for it (XDG base directories 0.8 on Linux).
    """
    named = os.environ.get(STATE_VARIABLE, "").strip()
    if named:
        return Path(named)
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "napari-spinalq"


def _key(folder: Path) -> str:
    """Return a name for a folder that tells it from all others and says which one it is."""
    place = folder.resolve()
    return f"{place.name}-{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _read(path: Path) -> RatingTable:
    try:
        text = _text(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({_reason(error)}); ask its owner for access.") from None
    return RatingTable(()) if not text else read_table(text, str(path))


def _append(path: Path, rows: Sequence[Rating]) -> RatingTable:
    """Add the rows that a table lacks, and return the table as it is then."""
    there = _read(path)
    known = set(there.rows)
    missing = [row for row in rows if row not in known]
    if not missing:
        return there
    text = _text(path) or header_line()
    columns = text.splitlines()[0].split("\t")
    whole = text + ("" if text.endswith("\n") else "\n") + "".join(_arranged(as_line(row), columns) for row in missing)
    write_whole(path, whole.encode("utf-8", errors="surrogateescape"), overwrite=True)
    return _read(path)


def _arranged(line: str, columns: Sequence[str]) -> str:
    """Return a line with its cells in the order of the columns of a table that may have further ones."""
    cells = dict(zip(header_line().split(), line.rstrip("\n").split("\t"), strict=True))
    return "\t".join(cells.get(column, "n/a") for column in columns) + "\n"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the table while it is read and written, so that two raters at once lose nothing."""
    lock = path.with_name(f".{path.name}.lock")
    end = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if _is_stale(lock):
                lock.unlink(missing_ok=True)
            elif time.monotonic() > end:
                raise InputError(f"{path} is being written by someone else.") from None
            else:
                time.sleep(0.02)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _is_stale(lock: Path) -> bool:
    try:
        return time.time() - lock.stat().st_mtime > LOCK_STALE_S
    except FileNotFoundError:
        return False


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
