import gzip
import json
import zlib
from pathlib import Path

import pandas as pd
import pytest

from napari_spinalq.io.nifti import load_scan
from napari_spinalq.phantom.sample import SAMPLE_DESIGNS, write_sample_data

SAMPLE = Path(__file__).parents[2] / "sample_data"
LIMIT_BYTES = 12_000_000


def _files():
    return [path for path in SAMPLE.rglob("*") if path.is_file()]


def test_sample_data_is_small():
    assert 5_000_000 < sum(path.stat().st_size for path in _files()) <= LIMIT_BYTES


def test_participants_are_the_designs():
    table = pd.read_csv(SAMPLE / "participants.tsv", sep="\t").set_index("participant_id")
    assert list(table.index) == ["sub-healthy01", "sub-als01"]
    for label, design in SAMPLE_DESIGNS.items():
        assert table.loc[f"sub-{label}", "group"] == design.group
        assert table.loc[f"sub-{label}", "age"] == design.age_years
    assert set(table.columns) < set(json.loads((SAMPLE / "participants.json").read_text()))


@pytest.mark.parametrize("label", list(SAMPLE_DESIGNS))
def test_every_image_is_readable(label):
    images = sorted((SAMPLE / f"sub-{label}").rglob("*.nii.gz"))
    assert len(images) == 6
    for image in images:
        assert load_scan(image).contrast != "unknown"


@pytest.mark.slow
def test_the_command_writes_the_same_bytes_again(tmp_path):
    write_sample_data(tmp_path)
    fresh = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert fresh == {path.relative_to(SAMPLE) for path in _files()}
    packed_by = json.loads((SAMPLE / "dataset_description.json").read_text())["GeneratedBy"][0]["ZlibVersion"]
    same_zlib = packed_by == zlib.ZLIB_RUNTIME_VERSION
    for name in sorted(fresh):
        new, old = (tmp_path / name).read_bytes(), (SAMPLE / name).read_bytes()
        if name.name == "dataset_description.json":
            # it names the versions of zlib and numpy that were used
            new, old = (_without_versions(text) for text in (new, old))
        elif name.suffix == ".gz" and not same_zlib:
            new, old = gzip.decompress(new), gzip.decompress(old)
        assert new == old, f"{name} differs"


def _without_versions(text: bytes) -> dict:
    content = json.loads(text)
    for key in ("ZlibVersion", "NumpyVersion"):
        content["GeneratedBy"][0].pop(key)
    return content
