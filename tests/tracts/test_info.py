"""Reading an info file: keys, sides, groups, and what is refused."""

import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.tracts.info import read_info
from napari_spinalq.tracts.maps import Side, TractTissue

INFO = """# White matter atlas
# Keyword=IndivLabels (Please DO NOT change this line)
# ID, name, file
0, WM left fasciculus gracilis, a0.nii.gz
1, WM right fasciculus gracilis, a1.nii.gz
2, WM left spinal lemniscus (spinothalamic and spinoreticular tracts), a2.nii.gz
3, WM right spinal lemniscus (spinothalamic and spinoreticular tracts), a3.nii.gz
4, CSF contour, a4.nii.gz
5, GM left ventral horn, a5.nii.gz
6, GM right ventral horn, a6.nii.gz
7, WM left spino-olivary tract, a7.nii.gz

# Keyword=CombinedLabels (Please DO NOT change this line)
50, spinal cord, 0:3,5:7
51, white matter, 0:3,7
52, gray matter, 5:6
53, dorsal columns, 0:1

# Keyword=MAPLabels (Please DO NOT change this line)
white matter, 0:3
CSF, 4
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "info_label.txt").write_text(INFO)
    return tmp_path


def test_names_become_keys_and_csf_comes_last(folder):
    info = read_info(folder)
    assert [tract.key for tract in info.tracts] == [
        "gracilis_left", "gracilis_right", "spinothalamic_left", "spinothalamic_right", "ventral_horn_left",
        "ventral_horn_right", "spino_olivary_left", "csf",
    ]  # fmt: skip
    assert info.files["spinothalamic_right"] == "a3.nii.gz"
    assert info.files["csf"] == "a4.nii.gz"
    assert info.tracts[-2].title == "Spino-olivary tract, left"


def test_tissues_and_sides(folder):
    tracts = {tract.key: tract for tract in read_info(folder).tracts}
    assert tracts["ventral_horn_left"].tissue is TractTissue.GM
    assert tracts["gracilis_right"].tissue is TractTissue.WM
    assert tracts["gracilis_right"].side is Side.RIGHT
    assert tracts["csf"].tissue is TractTissue.CSF


def test_combined_labels_become_groups_with_their_sides(folder):
    groups = {group.key: group.members for group in read_info(folder).groups}
    assert groups["dorsal_columns"] == ("gracilis_left", "gracilis_right")
    assert groups["dorsal_columns_right"] == ("gracilis_right",)
    assert groups["grey_matter"] == ("ventral_horn_left", "ventral_horn_right")
    assert len(groups["cord"]) == 7
    assert groups["spinothalamic"] == ("spinothalamic_left", "spinothalamic_right")
    assert "spino_olivary" not in groups, "one side alone is no pair"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("0, WM left", "zero, WM left"), "not number, name and file"),
        (("53, dorsal columns, 0:1", "53, dorsal columns, 0:9"), "does not list it"),
        (("1, WM right fasciculus", "1, WM left fasciculus"), "gracilis_left twice"),
        (("1, WM right fasciculus", "0, WM right fasciculus"), "twice"),
        (("Keyword=IndivLabels", "Keyword=Something"), "lists no IndivLabels"),
    ],
)
def test_files_that_cannot_be_meant_are_refused(folder, change, match):
    (folder / "info_label.txt").write_text(INFO.replace(*change, 1))
    with pytest.raises(InputError, match=match):
        read_info(folder)


def test_a_folder_without_an_info_file_is_named(tmp_path):
    with pytest.raises(InputError, match="it is no atlas folder"):
        read_info(tmp_path)


def test_an_info_file_that_is_no_text_is_refused(folder):
    (folder / "info_label.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_info(folder)
