"""A file that only grows: each line is with the kernel when the call returns, and on the disk soon after."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path

from napari_spinalq.io.journal.places import aside_path

CLOSING_WAIT_S = 3.0
"""A window that closes waits this long (s) for a disk that does not answer."""

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_MODE = 0o664


class GrowingFile:
    """A file open for appending that shall hold certain bytes, no more and no less.

    What is found there beyond them, or instead of them, is kept aside under another name.

    Parameters
    ----------
    path : Path
        The file; its folder is made if need be.
    content : bytes
        What it shall hold; what is missing at its end is added.

    Attributes
    ----------
    length : int
        How many bytes it holds.
    kept_aside : Path, optional
        Where that lies which was found there and did not belong.

    Raises
    ------
    OSError
        If the place cannot be read or written.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.length = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self.kept_aside = _make_way(path, content)
        self._descriptor = os.open(path, _FLAGS, _MODE)
        self.length = os.fstat(self._descriptor).st_size
        try:
            self.append(content[self.length :])
        except OSError:
            os.close(self._descriptor)
            raise

    @property
    def there(self) -> bool:
        """Whether the file still lies under its name: a writer is not told when it is removed under it."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return False

    def append(self, data: bytes) -> None:
        """Hand bytes to the kernel: they outlive this program, whatever becomes of it.

        Raises
        ------
        OSError
            If not all of them could be written; then none are left there, as far as the disk allows.
        """
        done = 0
        try:
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError:
            self._cut_back()
            raise
        self.length += len(data)

    def flush(self) -> None:
        """Wait until all is on the disk.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Close it; what a dead drive says to that is of no use to anyone."""
        try:
            os.close(self._descriptor)
        except OSError:
            return

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.length)
        except OSError:
            return  # a torn line stays; it is known by its missing end and kept aside when the file is opened again


def _make_way(path: Path, content: bytes) -> Path | None:
    """Keep aside what a file holds that is no part of these lines; return where."""
    found = path.read_bytes() if path.exists() else b""
    if content.startswith(found):
        return None
    pairs = zip(found.splitlines(keepends=True), content.splitlines(keepends=True), strict=False)
    shared = sum(len(line) for line, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    aside = aside_path(path)
    if not shared:
        os.rename(path, aside)
        return aside
    with aside.open("xb") as stream:
        stream.write(found[shared:])
        stream.flush()
        os.fsync(stream.fileno())
    os.truncate(path, shared)
    return aside


class Flusher:
    """Flushes to the disk in a thread of its own, so that the hand never waits for it; a refusal is told later."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._last: Future[None] | None = None

    def ask(self, flush: Callable[[], None]) -> None:
        """Flush soon. A request that still waits serves this one too."""
        if self._last is None or self._last.running() or self._last.done():
            self._last = self._pool.submit(flush)

    def error(self) -> OSError | None:
        """Return what the last flush that ended was told, once."""
        if self._last is None or not self._last.done():
            return None
        found, self._last = self._last.exception(), None
        if found is not None and not isinstance(found, OSError):
            raise found
        return found

    def wait(self, timeout_s: float = CLOSING_WAIT_S) -> OSError | None:
        """Wait for what was asked for; return the refusal, if any."""
        if self._last is not None:
            try:
                self._last.exception(timeout_s)
            except TimeoutError:
                return TimeoutError("the drive does not answer")
        return self.error()

    def close(self) -> None:
        """Flush no more."""
        self._pool.shutdown(wait=False)
