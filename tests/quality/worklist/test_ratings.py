"""Rows of ratings: what stands of them, and how they are written."""

from datetime import UTC, datetime, timedelta

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.worklist.ratings import (
    COLUMNS,
    Rating,
    Verdict,
    as_line,
    by_mask,
    changed_since,
    comment_of,
    header_line,
    last_of,
    read_table,
    standing,
)
from napari_spinalq.quality.worklist.sct_lists import HEADING, correction_list

START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def rating(minute, verdict, mask="a_seg.nii.gz", rater="ann", **more):
    return Rating(mask[0], mask, "m" * 64, "i" * 64, rater, START + timedelta(minutes=minute), verdict, **more)


def test_a_row_that_was_written_is_read_the_same():
    row = rating(0, Verdict.FAIL, comment="leak\tat\nC3", suspicion=0.123456, flags=("leak", "area_jump"))
    table = read_table(header_line() + as_line(row), "x")
    assert table.rows == (row,)
    assert row.comment == "leak at C3"


def test_the_last_rating_of_each_rater_stands():
    rows = [rating(0, Verdict.PASS), rating(2, Verdict.FAIL), rating(1, Verdict.PASS, rater="bo")]
    stands = standing(reversed(rows))
    assert {rater: row.verdict for (_, rater), row in stands.items()} == {"ann": "fail", "bo": "pass"}
    assert [row.rater for row in by_mask(stands)["a_seg.nii.gz"]] == ["ann", "bo"]


def test_a_withdrawal_brings_back_what_was_said_before():
    rows = [rating(0, Verdict.PASS), rating(1, Verdict.FAIL), rating(2, Verdict.WITHDRAWN)]
    assert standing(rows)[("a_seg.nii.gz", "ann")].verdict is Verdict.PASS
    assert standing([*rows, rating(3, Verdict.WITHDRAWN)]) == {}
    assert standing([rating(0, Verdict.WITHDRAWN)]) == {}


def test_the_last_rating_of_a_rater_is_that_which_still_stands():
    rows = [rating(0, Verdict.PASS), rating(1, Verdict.FAIL, mask="b_seg.nii.gz"), rating(9, Verdict.PASS, rater="bo")]
    assert last_of(rows, "ann").mask == "b_seg.nii.gz"
    rows.append(rating(2, Verdict.WITHDRAWN, mask="b_seg.nii.gz"))
    assert last_of(rows, "ann").mask == "a_seg.nii.gz"
    assert last_of(rows, "cy") is None


def test_a_note_is_no_rating_and_its_comment_is_kept():
    rows = [rating(0, Verdict.NOTE, comment="blurred")]
    assert standing(rows) == {}
    assert comment_of(rows, "a_seg.nii.gz", "ann", "m" * 64) == "blurred"
    assert comment_of(rows, "a_seg.nii.gz", "bo", "m" * 64) == ""
    assert comment_of(rows, "a_seg.nii.gz", "ann", "n" * 64) == "", "it was said of another mask"


def test_a_mask_that_was_changed_is_noticed_once_its_checksum_is_known():
    assert changed_since(rating(0, Verdict.PASS), "n" * 64)
    assert not changed_since(rating(0, Verdict.PASS), "m" * 64)
    assert not changed_since(rating(0, Verdict.PASS), None)


def test_bad_lines_are_named_and_the_others_are_read():
    good = as_line(rating(0, Verdict.PASS))
    bad = [good.replace("pass", "maybe"), "half a line\n", good.replace("2026-01-02T", "yesterday ")]
    table = read_table(header_line() + bad[0] + good + bad[1] + "\n" + bad[2], "x")
    assert len(table.rows) == 1
    assert table.bad_lines == (2, 4, 6)


def test_columns_of_others_and_in_another_order_are_read():
    row = rating(0, Verdict.PASS)
    cells = dict(zip(COLUMNS, as_line(row).rstrip("\n").split("\t"), strict=True)) | {"site": "Lyon"}
    columns = ["site", *reversed(COLUMNS)]
    text = "\t".join(columns) + "\n" + "\t".join(cells[name] for name in columns) + "\n"
    assert read_table(text, "x").rows == (row,)


def test_a_file_that_is_no_such_table_is_refused():
    with pytest.raises(InputError, match=r"my\.tsv is no table of ratings"):
        read_table("subject\tage\n", "my.tsv")


def test_failed_results_are_listed_as_toolbox_scripts_read_them():
    yaml = pytest.importorskip("yaml")
    rows = [
        rating(0, Verdict.FAIL, comment="leak out of the cord"),
        rating(1, Verdict.FAIL, mask="b_seg.nii.gz", comment="Levels wrong: all one up"),
        rating(2, Verdict.FAIL, mask="c_seg.nii.gz", comment="GM outline wrong"),
        rating(3, Verdict.ARTEFACT, mask="d_seg.nii.gz"),
        rating(4, Verdict.PASS, mask="e_seg.nii.gz"),
        rating(5, Verdict.FAIL, mask="e_seg.nii.gz", rater="bo"),
    ]
    images = {f"{name}_seg.nii.gz": f"sub-{name}_T2w.nii.gz" for name in "abcd"} | {"e_seg.nii.gz": "é: x.nii.gz"}
    text = correction_list(rows, Verdict.FAIL, images)
    assert text.startswith(HEADING)
    assert yaml.safe_load(text) == {
        "FILES_SEG": ["sub-a_T2w.nii.gz", "é: x.nii.gz"],
        "FILES_LABEL": ["sub-b_T2w.nii.gz"],
        "FILES_GMSEG": ["sub-c_T2w.nii.gz"],
    }
    assert yaml.safe_load(correction_list(rows, Verdict.ARTEFACT, images)) == {"FILES_SEG": ["sub-d_T2w.nii.gz"]}
    assert yaml.safe_load(correction_list([], Verdict.FAIL, images)) == {}
