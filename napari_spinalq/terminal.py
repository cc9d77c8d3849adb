"""What the command line shows: a progress bar on slow work, and tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from napari_spinalq.progress import Progress

SHOW_AFTER_S = 2.0
"""Work shorter than this (s) needs no progress bar."""

FALLBACK_WIDTH = 140
"""Columns of a table that is written to a file or a pipe: nobody's window is asked, nothing is wrapped."""

WORDS_WIDTH = 20
"""Columns to which words in a table may be wrapped; numbers are never cut, even if the table leaves the window."""


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give a progress listener that draws a bar on the error stream once the work has lasted two seconds.

    A stream that is no terminal gets a line every two seconds instead, so that a log stays readable.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    bar = Bar(*columns, TimeElapsedColumn(), console=console, transient=True)
    task = bar.add_task("", total=1.0)
    last = time.monotonic()

    def listen(fraction: float, phrase: str) -> None:
        nonlocal last
        bar.update(task, completed=fraction, description=phrase)
        if time.monotonic() - last < SHOW_AFTER_S:
            return
        if console.is_terminal:
            bar.start()
        else:
            last = time.monotonic()
            print(f"{100 * fraction:3.0f} %  {phrase}", file=sys.stderr, flush=True)

    try:
        yield listen
    finally:
        if bar.live.is_started:  # stopping what never started would print an empty line
            bar.stop()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: numbers to the right, the first column and a last one that holds words to the left."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=FALLBACK_WIDTH)
    last_is_words = any(not _is_number(row[-1]) for row in rows)
    console.width = max(console.width, _least_width([columns, *rows], last_is_words))
    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, column in enumerate(columns):
        words = index == 0 or (last_is_words and index == len(columns) - 1)
        table.add_column(column, justify="left" if words else "right", no_wrap=index < len(columns) - 1)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _least_width(rows: Sequence[Sequence[str]], last_is_words: bool) -> int:
    """Return the columns that a table needs, three between the texts of neighbouring cells."""
    widths = [max(map(len, texts)) for texts in zip(*rows, strict=True)]
    if last_is_words:
        widths[-1] = min(widths[-1], WORDS_WIDTH)
    return sum(width + 3 for width in widths) + 1


def _is_number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True
