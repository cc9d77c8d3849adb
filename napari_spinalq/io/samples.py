"""Where the sample exams lie: inside an installed wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from napari_spinalq.errors import InputError

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "sample_data", _PACKAGE.parent / "sample_data")


def sample_folder() -> Path:
    """Return the BIDS folder of the sample exams.

    Raises
    ------
    InputError
        If it was removed.
    """
    for place in _PLACES:
        if (place / "dataset_description.json").is_file():
            return place
    raise InputError(f"The sample exams are not at {_PLACES[0]}; install the package again.")


def sample_subjects() -> tuple[Path, ...]:
    """Return the folders of the sample subjects, sorted by name.

    Raises
    ------
    InputError
        If there is none.
    """
    folder = sample_folder()
    subjects = tuple(sorted(path for path in folder.glob("sub-*") if path.is_dir()))
    if not subjects:
        raise InputError(f"The sample exams were removed from {folder}; install the package again.")
    return subjects
