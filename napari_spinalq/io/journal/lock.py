"""Who works on an exam: a small file beside its journal, so that two people do not draw over each other."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from napari_spinalq.io.sidecar import default_author

LOCK_SUFFIX = ".lock"


class Holder(BaseModel):
    """Who works on an exam, where and since when.

    Attributes
    ----------
    owner, host : str
        Name of the person and of the computer.
    pid : int
        The process there.
    since : datetime
        When the work began, with its time zone.
    token : str
        Tells two windows of one process apart.
    """

    owner: str
    host: str
    pid: int
    since: AwareDatetime = Field(gt=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))
    token: str

    @property
    def gone(self) -> bool:
        """Whether the holder is known to work no more: its process on this computer has ended."""
        return self.host == socket.gethostname() and not process_lives(self.pid)

    def sentence(self) -> str:
        """Say who works on the exam since when (local time)."""
        since = f"{self.since.astimezone():%Y-%m-%d %H:%M}"
        where = "in another window" if self.host == socket.gethostname() else f"on {self.host}"
        return f"{self.owner} works on this exam {where} since {since}."


@dataclass
class Lock:
    """The lock of one exam, as one window sees it.

    Parameters
    ----------
    path : Path
        The lock file: the name of the journal and ``.lock``.
    owner : str
        Who asks for it; by default as for edits.
    """

    path: Path
    owner: str = ""

    def __post_init__(self) -> None:
        self._token = uuid.uuid4().hex
        self.owner = self.owner or default_author()

    @classmethod
    def of(cls, journal: Path) -> Lock:
        """Return the lock of a journal."""
        return cls(journal.with_name(journal.name + LOCK_SUFFIX))

    def other(self) -> Holder | None:
        """Return who else works on the exam; None if nobody does, or whoever did is known to be gone."""
        holder = self._holder()
        return None if holder is None or holder.token == self._token or holder.gone else holder

    @property
    def mine(self) -> bool:
        """Whether this window holds the lock."""
        holder = self._holder()
        return holder is not None and holder.token == self._token

    def take(self, *, over: bool = False) -> Holder | None:
        """Take the lock; return who holds it if someone else does, unless it is to be taken ``over``.

        Raises
        ------
        OSError
            If the place cannot be written.
        """
        holder = self.other()
        if holder is not None and not over:
            return holder
        if self.mine:
            return None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._holder() is None and self._create():
            return None
        if self.path.exists() and not over and (holder := self.other()) is not None:
            return holder  # someone was faster
        self._replace()
        return None

    def release(self) -> None:
        """Give the lock back, if this window holds it."""
        if self.mine:
            try:
                self.path.unlink()
            except OSError:
                return  # the place is gone; the lock is known as stale once this process has ended

    def _create(self) -> bool:
        """Make the lock file; False if one is there by now."""
        try:
            with self.path.open("x", encoding="utf-8") as stream:
                stream.write(self._own())
        except FileExistsError:
            return False
        return True

    def _replace(self) -> None:
        temporary = self.path.with_name(f".{self._token[:8]}-{self.path.name}")
        temporary.write_text(self._own(), encoding="utf-8")
        os.replace(temporary, self.path)

    def _own(self) -> str:
        now = datetime.now(UTC).replace(microsecond=0)
        holder = Holder(owner=self.owner, host=socket.gethostname(), pid=os.getpid(), since=now, token=self._token)
        return holder.model_dump_json(indent=2) + "\n"

    def _holder(self) -> Holder | None:
        """Return who the file names; None if there is no file, or none that names anyone."""
        try:
            return Holder.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return None


def process_lives(pid: int) -> bool:
    """Tell whether a process of this computer still runs."""
    if sys.platform == "win32":
        return _lives_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # no process can have a number beyond what the system counts
        return False
    except OSError:  # it runs, as another user
        return True
    return True


def _lives_on_windows(pid: int) -> bool:
    """Ask Windows for a handle of the process; ``os.kill`` would end it there."""
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
