"""The sex of a person, read from the table of a data set and guessed from nothing else."""

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.participants import Sex, find_sex
from napari_spinalq.io.samples import sample_folder


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_T2w.nii.gz"
    path.parent.mkdir(parents=True)
    return path


def table(tmp_path, text):
    (tmp_path / "participants.tsv").write_text(text)


@pytest.mark.parametrize(
    ("word", "sex"), [("F", Sex.FEMALE), ("male", Sex.MALE), ("Female", Sex.FEMALE), ("n/a", None), ("O", None)]
)
def test_the_spellings_of_bids(tmp_path, scan, word, sex):
    table(tmp_path, f"participant_id\tsex\nsub-00\tM\nsub-01\t{word}\n")
    assert find_sex(scan, "01") is sex


@pytest.mark.parametrize("text", ["participant_id\tage\nsub-01\t30\n", "participant_id\tsex\nsub-02\tF\n"])
def test_nothing_is_guessed(tmp_path, scan, text):
    assert find_sex(scan, "01") is None
    table(tmp_path, text)
    assert find_sex(scan, "01") is None


def test_a_contradiction_is_refused(tmp_path, scan):
    table(tmp_path, "participant_id\tsex\nsub-01\tF\nsub-01\tM\n")
    with pytest.raises(InputError, match="twice and differently"):
        find_sex(scan, "01")


def test_a_table_that_cannot_be_read_is_refused(tmp_path, scan):
    (tmp_path / "participants.tsv").write_bytes(b"participant_id\tsex\nsub-01\t\xff\xfe\n")
    with pytest.raises(InputError, match="cannot be read"):
        find_sex(scan, "01")


def test_the_sample_exams():
    for subject, sex in (("healthy01", Sex.FEMALE), ("als01", Sex.MALE)):
        path = sample_folder() / f"sub-{subject}" / "anat" / f"sub-{subject}_T2w.nii.gz"
        assert find_sex(path, subject) is sex
