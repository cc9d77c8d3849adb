"""Discs and what is known of their names as plain values (JSON), exact to the last digit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.vertebrae import disc_number


def labelling_as_json(labelling: Labelling) -> dict[str, Any]:
    """Return a labelling as plain values.

    Examples
    --------
    >>> labelling_as_json(Labelling((Disc(3, (1.0, 2.5, -3.0)),), confirmed=True))["discs"]
    [{'name': 'C2-C3', 'mm': [1.0, 2.5, -3.0], 'origin': 'clicked'}]
    """
    discs = [{"name": disc.name, "mm": list(disc.position_mm), "origin": disc.origin.value} for disc in labelling.discs]
    return {
        "discs": discs,
        "confirmed": labelling.confirmed,
        "flags": list(labelling.flags),
        "method": dict(labelling.method),
    }


def labelling_from_json(stored: Mapping[str, Any]) -> Labelling:
    """Return the labelling that :func:`labelling_as_json` stored; that of an empty mapping holds no disc.

    Raises
    ------
    InputError
        If it holds what no labelling does.
    """
    try:
        discs = tuple(
            Disc(disc_number(disc["name"]), tuple(disc["mm"]), Origin(disc["origin"]))
            for disc in stored.get("discs", ())
        )
        flags, method = tuple(stored.get("flags", ())), dict(stored.get("method", {}))
        return Labelling(discs, stored.get("confirmed") is True, flags, method)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The discs in the journal cannot be used ({error}); find them again.") from None


def labelling_digest(stored: Mapping[str, Any]) -> str:
    """Return a digest of the discs and of whether their names are confirmed; empty if there is no disc.

    What is told of how they were found is left out: a table of discs does not bring all of it back.
    """
    if not stored.get("discs"):
        return ""
    text = json.dumps([stored["discs"], stored.get("confirmed") is True], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()
