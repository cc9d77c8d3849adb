"""Control rounds: made, rated through the table of ratings, scored; never mistaken for results."""

import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.nifti import load_mask
from napari_spinalq.io.samples import sample_folder
from napari_spinalq.quality.readers.controls import make_round, read_key, score_round
from napari_spinalq.quality.worklist.cases import find_cases
from napari_spinalq.quality.worklist.rating_file import RatingFile
from napari_spinalq.quality.worklist.ratings import Rating, Verdict


@pytest.fixture
def cases(tmp_path):
    """Return four images with their true masks, in a dataset."""
    truth, found = sample_folder() / "derivatives" / "truth", []
    for subject in ("sub-healthy01", "sub-als01"):
        for suffix in ("T2w", "T2star"):
            image = tmp_path / "data" / subject / "anat" / f"{subject}_{suffix}.nii.gz"
            image.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(sample_folder() / subject / "anat" / image.name, image)
            found.append((image, truth / subject / "anat" / f"{subject}_{suffix}_label-cord_mask.nii.gz"))
    return found


@pytest.fixture
def made(cases, tmp_path):
    folder, key = tmp_path / "data" / "derivatives" / "control-round1", tmp_path / "keys" / "round1.json"
    return folder, key, make_round(cases, folder, key, spoilt=2, seed=5)


def _rated(entries, answers, rater="AMK"):
    return [
        Rating("case", entry.mask, entry.mask_sha256, "", rater, datetime(2024, 1, 1, 9, n, tzinfo=UTC), answer)
        for n, (entry, answer) in enumerate(zip(entries, answers, strict=True))
    ]


def test_a_round_holds_spoilt_and_untouched_masks(made, cases):
    folder, _, entries = made
    originals = {path.name: load_mask(path).data for _, path in cases}
    assert sorted(entry.source for entry in entries) == sorted(originals)
    for entry in entries:
        same = np.array_equal(load_mask(folder / entry.mask).data, originals[entry.source])
        assert same == (not entry.fault)
    assert sum(bool(entry.fault) for entry in entries) == 2
    assert len({entry.fault for entry in entries if entry.fault}) == 2


def test_nothing_in_the_round_tells_which_mask_was_spoilt_and_everything_says_control(made):
    folder, _, entries = made
    told = []
    for entry in entries:
        path = folder / entry.mask
        assert "_control-" in path.name
        sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
        assert sidecar["Description"].startswith("CONTROL")
        told.append({key: value for key, value in sidecar.items() if key not in ("Sources", "Time")})
    assert all(one == told[0] for one in told)
    assert "control" in folder.name
    assert json.loads((folder / "dataset_description.json").read_text())["Name"].startswith("CONTROL")


def test_a_reader_is_scored_from_the_table_of_ratings(made, tmp_path):
    folder, key, entries = made
    answers = [Verdict.FAIL if entry.fault else Verdict.PASS for entry in entries]
    answers[next(n for n, entry in enumerate(entries) if not entry.fault)] = Verdict.FAIL
    table = RatingFile(folder, {})
    table.load()
    table.add(*_rated(entries, answers))
    score = score_round(read_key(key), table.rows, "AMK")
    assert (score.detection.hits, score.detection.misses) == (2, 0)
    assert (score.detection.false_alarms, score.detection.correct_passes) == (1, 1)
    assert set(score.by_fault.values()) == {(1, 1)}
    assert (score.not_rated, score.set_aside) == (0, 0)


def test_the_last_rating_of_the_very_file_counts(made):
    _, key, entries = made
    first = _rated(entries, [Verdict.PASS] * 4)
    spoilt = next(n for n, entry in enumerate(entries) if entry.fault)
    later = Rating("case", first[spoilt].mask, first[spoilt].mask_sha256, "", "AMK", datetime.now(UTC), Verdict.FAIL)
    good = next(n for n, entry in enumerate(entries) if not entry.fault)
    other = Rating("case", first[good].mask, "another file", "", "AMK", datetime.now(UTC), Verdict.FAIL)
    score = score_round(read_key(key), [*first, later, other], "AMK")
    assert score.detection.hits == 1
    assert score.detection.false_alarms == 0
    assert score.not_rated == 1


def test_an_artefact_says_nothing_about_the_mask(made):
    _, key, entries = made
    rated = _rated(entries, [Verdict.ARTEFACT, Verdict.PASS, Verdict.PASS, Verdict.PASS])
    score = score_round(read_key(key), rated, "AMK")
    assert score.set_aside == 1
    assert score.detection.with_fault + score.detection.without_fault == 3


def test_a_key_that_was_changed_is_refused(made):
    _, key, _ = made
    content = json.loads(key.read_text())
    content["entries"][0]["fault"] = "" if content["entries"][0]["fault"] else "leak"
    key.write_text(json.dumps(content))
    with pytest.raises(InputError, match="was changed"):
        read_key(key)


def test_the_worklist_finds_a_round_with_its_images(made):
    folder, _, entries = made
    found = find_cases(folder)
    assert {one.mask.relative_to(folder).as_posix() for one in found.cases} == {entry.mask for entry in entries}
    assert all(one.image.is_file() for one in found.cases)


@pytest.mark.parametrize(
    ("folder", "key", "spoilt", "words"),
    [
        ("round1", "key.json", 2, "control"),
        ("control1", "control1/key.json", 2, "elsewhere"),
        ("control1", "key.json", 4, "good and spoilt"),
        ("control1", "key.json", 0, "good and spoilt"),
    ],
)
def test_a_round_that_could_mislead_is_refused(cases, tmp_path, folder, key, spoilt, words):
    with pytest.raises(InputError, match=words):
        make_round(cases, tmp_path / folder, tmp_path / key, spoilt=spoilt, seed=1)
    assert not (tmp_path / "key.json").exists()


def test_a_round_is_made_and_scored_from_the_command_line(cases, tmp_path, run):
    good = tmp_path / "data" / "derivatives" / "reads"
    for image, mask in cases:
        target = good / image.parts[-3] / "anat" / mask.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(mask, target)
    folder, key = tmp_path / "data" / "derivatives" / "control-1", tmp_path / "key.json"
    code, _, error = run("control-round", good, "-o", folder, "--key", key, "--spoilt", 2)
    assert code == 0, error
    entries = read_key(key)
    table = RatingFile(folder, {})
    table.load()
    table.add(*_rated(entries, [Verdict.FAIL if entry.fault else Verdict.PASS for entry in entries]))
    code, out, error = run("control-score", key, table.path, "--rater", "AMK")
    assert code == 0, error
    assert "2 of 2" in out
    assert run("control-score", key, table.path, "--rater", "nobody")[0] == 2
