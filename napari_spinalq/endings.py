"""How a command ends that did not do its work: one sentence, and an exit code that says whose fault it is."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from napari_spinalq.errors import InputError

BAD_INPUT, BUG, STOPPED = 2, 1, 130
"""Exit codes: the input is to blame, we are to blame, the user stopped it."""


def print_what_the_terminal_can() -> None:
    """Show a question mark for a sign that the terminal does not know, such as the square of mm² in plain ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a closed stream is None
            stream.reconfigure(errors="replace")


def run_to_the_end(command: Callable[[], object]) -> None:
    """Run a command that ends the process by itself; whatever it raises ends it with one sentence."""
    print_what_the_terminal_can()
    try:
        command()
    except InputError as error:
        fail(str(error), BAD_INPUT)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        fail(f"{error.strerror or error}{place}; nothing more was written.", BAD_INPUT)
    except MemoryError:
        fail("There is too little memory for this scan; close other programs, or crop the scan.", BAD_INPUT)
    except KeyboardInterrupt:
        fail("Stopped.", STOPPED)
    except Exception as error:  # the last net: a bug must not end in a bare traceback
        report_bug(error)


def report_bug(error: Exception) -> None:
    """End with the place of a bug, and with its trace in a file where one can be written."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="spinalq-", suffix=".log", delete=False, encoding="utf-8") as log:
            log.write("".join(traceback.format_exception(error)).encode("utf-8", "replace").decode())
        trace = log.name
    except OSError:  # no folder for temporary files: the place alone has to do
        frame = traceback.extract_tb(error.__traceback__)[-1]
        trace = f"its place, {Path(frame.filename).name} line {frame.lineno} in {frame.name}"
    fail(f"This is a bug in spinalq: {type(error).__name__}: {error}. Please report it with {trace}.", BUG)


def fail(message: str, code: int) -> None:
    """End the process with a sentence and an exit code."""
    typer.secho(f"Error: {message}" if code != STOPPED else message, fg=typer.colors.RED, err=True)
    sys.exit(code)
