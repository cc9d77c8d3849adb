import json

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.mt.parameters import Excitation, MtParameters

ON = {"FlipAngle": 9, "RepetitionTime": 0.035, "MTState": True}
OFF = {**ON, "MTState": False}
T1W = {"FlipAngle": 15, "RepetitionTime": 0.015, "MTState": False}


@pytest.fixture
def read(tmp_path):
    def _read(on=ON, off=OFF, t1w=T1W):
        for name, fields in (("on", on), ("off", off), ("t1w", t1w)):
            if fields is not None:
                (tmp_path / f"{name}.json").write_text(json.dumps(fields))
        return MtParameters.from_sidecars(*(tmp_path / f"{name}.nii.gz" for name in ("on", "off", "t1w")))

    return _read


def test_settings_are_read_from_the_sidecars(read):
    assert read() == MtParameters(Excitation(9, 0.035), Excitation(9, 0.035), Excitation(15, 0.015))


def test_time_between_excitations_comes_before_that_of_the_sequence(read):
    assert read(t1w={**T1W, "RepetitionTime": 2.3, "RepetitionTimeExcitation": 0.015}).t1w.repetition_s == 0.015


def _without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"on": None}, r"on\.json is missing"),
        ({"on": _without(ON, "FlipAngle")}, r"on\.json does not give FlipAngle \(degrees\)"),
        ({"t1w": _without(T1W, "RepetitionTime")}, r"t1w\.json does not give RepetitionTime \(seconds\)"),
        ({"off": {**OFF, "RepetitionTime": 35}}, r"off\.json: .* 35 is no time in seconds; .* such as 0\.035"),
        ({"off": {**OFF, "RepetitionTime": 0}}, r"off\.json: .* 0 is no time in seconds"),
        ({"on": {**ON, "FlipAngle": 0.157}}, r"on\.json: A flip angle of 0\.157 .* degrees"),
        ({"on": {**ON, "FlipAngle": "9"}}, r"FlipAngle in .*on\.json is '9', not a number of degrees"),
        ({"on": {**ON, "MTState": False}}, r"on\.json says .* without the MT pulse"),
        ({"t1w": {**T1W, "MTState": True}}, r"t1w\.json says .* with the MT pulse"),
        ({"t1w": OFF}, r"same flip angle \(9 degrees\) and repetition time \(0\.035 s\)"),
    ],
)
def test_what_is_missing_or_in_another_unit_is_said(read, changed, words):
    with pytest.raises(InputError, match=words):
        read(**changed)
