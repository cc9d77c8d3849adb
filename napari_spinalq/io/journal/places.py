"""Where a journal lies: beside the results, or in a folder of the user's own while that place is closed."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from platformdirs import user_state_path

STATE_VARIABLE = "SPINALQ_STATE"
"""Environment variable that names another folder for what is kept per user."""

_APP = "napari-spinalq"


def state_folder() -> Path:
    """Return the folder where this user's programs keep their state (it may not exist yet)."""
    named = os.environ.get(STATE_VARIABLE, "").strip()
    return Path(named) if named else user_state_path(_APP, appauthor=False)


def away_path(home: Path) -> Path:
    """Return where a journal is kept while its place beside the results cannot be written.

    Two exams of one name in different data sets get different folders.
    """
    place = blake2b(str(home.absolute()).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
    return state_folder() / "journals" / place / home.name


def aside_path(path: Path) -> Path:
    """Return a free name beside a journal under which it, or a part of it, is kept and no longer used."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    stem = path.name.removesuffix(".jsonl")
    names = (f"{stem}.aside-{stamp}{'' if not again else f'-{again}'}.jsonl" for again in range(1000))
    return next(free for name in names if not (free := path.with_name(name)).exists())
