"""Finding another program and running it: with a limit in time, progress, and an end when it is no longer wanted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from napari_spinalq.errors import BackendError
from napari_spinalq.progress import Progress, silent

TIMEOUT_VARIABLE = "SPINALQ_TIMEOUT_S"
"""Environment variable that changes how long another program may run, seconds."""

TIMEOUT_S = 3600.0
"""How long another program may run (s): a network on a slow processor needs up to half an hour for a whole spine."""

TYPICAL_S = 60.0
"""After this time (s) the progress of a program that does not tell its own is shown as one half."""

POLL_S = 0.1
"""How often (s) a running program is looked at, and at most how late it is stopped."""

GRACE_S = 5.0
"""How long (s) a program may take to end itself after it was told to, before it is killed."""


@dataclass(frozen=True)
class Tool:
    """A package of other programs.

    Attributes
    ----------
    name : str
        As people write it.
    variable : str
        Environment variable that may name its folder or its program.
    site : str
        Where it is to be had.
    """

    name: str
    variable: str
    site: str


def find_program(program: str, tool: Tool) -> Path:
    """Find a program by the variable of its tool, else on the PATH.

    Parameters
    ----------
    program : str
        File name without ending, such as ``"sct_deepseg"``.
    tool : Tool
        The package it belongs to.

    Raises
    ------
    BackendError
        If it is not there; the message says what to install and how to point at it.
    """
    place = os.environ.get(tool.variable, "").strip()
    if place:
        return _in_place(program, Path(place).expanduser(), tool)
    found = shutil.which(program)
    if found is None:
        raise BackendError(
            f"{tool.name} was not found: there is no program {program} on the PATH; install it ({tool.site}) and add "
            f"the folder of its programs to the PATH, or set {tool.variable} to its folder."
        )
    return Path(found)


def _in_place(program: str, place: Path, tool: Tool) -> Path:
    """Find a program where a variable says: the file itself, or in a folder or its ``bin`` (``Scripts`` on Windows)."""
    if place.is_file() and place.stem == program:
        return place
    folders = (place, place / "bin", place / "Scripts")
    found = shutil.which(program, path=os.pathsep.join(str(folder) for folder in folders))
    if found is None:
        raise BackendError(
            f"{tool.name} was not found: {tool.variable} names {place}, which holds no program {program}; set it to "
            "the folder where the tool is installed, or unset it."
        )
    return Path(found)


@contextmanager
def work_folder() -> Iterator[Path]:
    """Give a temporary folder for the files of one run, removed at the end however it ends."""
    with tempfile.TemporaryDirectory(prefix="spinalq-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def run_program(command: Sequence[str], tool: Tool, folder: Path, *, phrase: str, progress: Progress = silent) -> str:
    """Run a program in a folder until it ends.

    Parameters
    ----------
    command : sequence of str
        Program and words; the program is looked for with :func:`find_program`.
    tool : Tool
        The package it belongs to.
    folder : Path
        Where it runs; relative file names in the command lie there.
    phrase : str
        What it does, for the progress.
    progress : Progress
        Told now and then; if it raises, the program and all that it started are ended.

    Returns
    -------
    str
        What it wrote to its standard output.

    Raises
    ------
    BackendError
        If it is not found, does not start, takes too long, or ends with an error: then with its last line.
    """
    program = find_program(command[0], tool)
    limit_s = _timeout_s()
    printed, complained = folder / "printed.txt", folder / "complained.txt"
    with printed.open("wb") as out, complained.open("wb") as err:
        process = _started([str(program), *command[1:]], tool, folder, out.fileno(), err.fileno())
        try:
            _wait(process, tool, limit_s, phrase, progress)
        finally:  # also where the listener gave up
            _stop(process)
    said = printed.read_text(encoding="utf-8", errors="replace")
    if process.returncode != 0:
        why = last_line(complained.read_text(encoding="utf-8", errors="replace")) or last_line(said) or "without a word"
        raise BackendError(f"{tool.name} failed ({command[0]} ended with code {process.returncode}): {why}")
    return said


def _started(command: list[str], tool: Tool, folder: Path, out: int, err: int) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, so that what it starts can be ended with it."""
    try:
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=os.name != "nt"
        )
    except OSError as error:
        raise BackendError(
            f"{tool.name} could not be started ({command[0]}: {error.strerror or error}); repair its installation."
        ) from None


def _wait(process: subprocess.Popen[bytes], tool: Tool, limit_s: float, phrase: str, progress: Progress) -> None:
    start = time.monotonic()
    while process.poll() is None:
        elapsed_s = time.monotonic() - start
        if elapsed_s > limit_s:
            raise BackendError(
                f"{tool.name} was stopped after {limit_s:g} s; set {TIMEOUT_VARIABLE} to give it more time (s)."
            )
        progress(elapsed_s / (elapsed_s + TYPICAL_S), f"{tool.name}: {phrase}")
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, and what it started: first asked to, then killed."""
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if os.name == "nt":
        process.terminate()
        return
    with suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.killpg(process.pid, number)


def _timeout_s() -> float:
    words = os.environ.get(TIMEOUT_VARIABLE, "").strip()
    try:
        limit_s = float(words or TIMEOUT_S)
    except ValueError:
        limit_s = 0.0
    if not limit_s > 0:
        raise BackendError(f"{TIMEOUT_VARIABLE} is {words!r}; set it to a number of seconds, or unset it.")
    return limit_s


def last_line(text: str) -> str:
    r"""Return the last line that says something.

    Examples
    --------
    >>> last_line("Traceback ...\n  File ...\nValueError: empty image\n\n")
    'ValueError: empty image'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
