"""Finding, running and ending other programs."""

import os
import time

import pytest

from napari_spinalq.cord.backends.process import Tool, find_program, run_program, work_folder
from napari_spinalq.errors import BackendError, Cancelled

TOOL = Tool("Some Tool", "SCT_DIR", "https://example.org")


def test_a_missing_program_is_told_with_what_to_install_and_how_to_point_at_it(program):
    with pytest.raises(BackendError) as told:
        find_program("sct_deepseg", TOOL)
    for words in ("Some Tool was not found", "sct_deepseg", "PATH", "SCT_DIR", "https://example.org"):
        assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("inside", ["", "bin"])
def test_the_variable_names_the_folder(program, monkeypatch, tmp_path, inside):
    script = program("sct_deepseg -h")
    place = tmp_path / "installed" / inside
    place.mkdir(parents=True)
    script.rename(place / "sct_deepseg")
    monkeypatch.setenv("SCT_DIR", str(tmp_path / "installed"))
    assert find_program("sct_deepseg", TOOL) == place / "sct_deepseg"


def test_the_variable_may_name_the_program_itself(program, monkeypatch):
    script = program("sct_deepseg -h")
    monkeypatch.setenv("SCT_DIR", str(script))
    assert find_program("sct_deepseg", TOOL) == script


def test_a_variable_that_names_nothing_is_not_passed_over(program, monkeypatch, tmp_path):
    program("sct_deepseg -h")
    monkeypatch.setenv("SCT_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(BackendError, match=r"SCT_DIR names .*nowhere, which holds no program sct_deepseg"):
        find_program("sct_deepseg", TOOL)


def test_output_and_progress(program, workshop):
    program("sct_version", prints="7.0", sleeps=0.3)
    seen = []
    with work_folder() as folder:
        said = run_program(
            ("sct_version",), TOOL, folder, phrase="asking", progress=lambda part, phrase: seen.append((part, phrase))
        )
    assert said == "7.0\n"
    assert {phrase for _, phrase in seen} == {"Some Tool: asking"}
    assert all(0 <= part < 1 for part, _ in seen)
    assert [part for part, _ in seen] == sorted(part for part, _ in seen)
    assert list(workshop.iterdir()) == []


def test_an_error_is_told_with_its_last_line(program, workshop):
    program("sct_deepseg -x", prints="loading", complains="Traceback\n  line 3\nRuntimeError: no model\n\n", code=3)
    with work_folder() as folder, pytest.raises(BackendError, match=r"RuntimeError: no model$") as told:
        run_program(("sct_deepseg", "-x"), TOOL, folder, phrase="running")
    assert "code 3" in str(told.value)
    assert "\n" not in str(told.value)
    assert list(workshop.iterdir()) == []


def test_an_error_on_the_standard_output_is_told_too(program, workshop):
    program("sct_deepseg -x", prints="no such task", code=1)
    with work_folder() as folder, pytest.raises(BackendError, match="no such task"):
        run_program(("sct_deepseg", "-x"), TOOL, folder, phrase="running")


def test_stopping_ends_the_program(program, workshop, tmp_path):
    program("sct_deepseg -x", sleeps=60)

    def listen(part, phrase):
        if (tmp_path / "started").exists():
            raise Cancelled

    begun = time.monotonic()
    with pytest.raises(Cancelled), work_folder() as folder:
        run_program(("sct_deepseg", "-x"), TOOL, folder, phrase="running", progress=listen)
    assert time.monotonic() - begun < 50
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "started").read_text()), 0)
    assert list(workshop.iterdir()) == []


def test_too_long_is_told_with_the_variable(program, workshop, tmp_path, monkeypatch):
    program("sct_deepseg -x", sleeps=60)
    monkeypatch.setenv("SPINALQ_TIMEOUT_S", "0.5")
    with work_folder() as folder, pytest.raises(BackendError, match=r"stopped after 0.5 s; set SPINALQ_TIMEOUT_S"):
        run_program(("sct_deepseg", "-x"), TOOL, folder, phrase="running")


@pytest.mark.parametrize("words", ["soon", "-1", "0", "nan"])
def test_a_time_limit_that_is_none_is_refused(program, monkeypatch, words):
    program("sct_version")
    monkeypatch.setenv("SPINALQ_TIMEOUT_S", words)
    with work_folder() as folder, pytest.raises(BackendError, match="number of seconds"):
        run_program(("sct_version",), TOOL, folder, phrase="asking")


def test_a_program_that_does_not_start(program):
    path = program("sct_version")
    path.write_text("#!/no/such/interpreter\n")
    with work_folder() as folder, pytest.raises(BackendError, match="could not be started"):
        run_program(("sct_version",), TOOL, folder, phrase="asking")
