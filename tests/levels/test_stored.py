"""Discs come back from plain values as they were."""

import json

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.levels.discs import Disc, Labelling, Origin
from napari_spinalq.levels.stored import labelling_as_json, labelling_digest, labelling_from_json

KNOWN = Labelling(
    (Disc(3, (0.1, 1 / 3, -2e-9), Origin.DETECTED), Disc(4, (0.0, 1.0, -18.5))), True, ("a flag",), {"program": "p"}
)


def test_a_labelling_comes_back_to_the_last_digit():
    back = labelling_from_json(json.loads(json.dumps(labelling_as_json(KNOWN))))
    assert back == KNOWN
    assert back.method == KNOWN.method


def test_nothing_stored_is_no_disc():
    assert labelling_from_json({}) == Labelling((), confirmed=False)
    assert labelling_digest({}) == labelling_digest(labelling_as_json(Labelling((), confirmed=False))) == ""


def test_the_digest_tells_places_and_certainty_apart():
    moved = Labelling((KNOWN.discs[0],), True)
    unsure = Labelling(KNOWN.discs, False)
    plain = Labelling(KNOWN.discs, True)
    digests = {labelling_digest(labelling_as_json(one)) for one in (KNOWN, moved, unsure)}
    assert len(digests) == 3
    assert labelling_digest(labelling_as_json(plain)) in digests, "flags do not count"


@pytest.mark.parametrize("stored", [{"discs": [{"name": "C2-C3"}]}, {"discs": [{"name": "X", "mm": [0], "origin": 1}]}])
def test_what_is_no_labelling_is_refused(stored):
    with pytest.raises(InputError):
        labelling_from_json(stored)
