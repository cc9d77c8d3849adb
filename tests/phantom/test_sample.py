import gzip
import json
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_spinalq.io.bids import find_exam
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.mt.parameters import MtParameters
from napari_spinalq.mt.roles import find_mt_pair
from napari_spinalq.phantom.sample import SAMPLE_DESIGNS, write_sample_data
from napari_spinalq.phantom.sidecars import excitation

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
    assert len(images) == 7
    for image in images:
        assert load_scan(image).contrast != "unknown"


@pytest.mark.parametrize("label", list(SAMPLE_DESIGNS))
def test_the_diffusion_series_moves_a_little_and_says_how(label):
    stem = SAMPLE / "derivatives" / "truth" / f"sub-{label}" / "anat" / f"sub-{label}"
    motion = pd.read_csv(f"{stem}_dwi_motion.tsv", sep="\t")
    assert len(motion) == 35 * 14
    away = np.hypot(motion["shift_ap_mm"], motion["shift_rl_mm"])
    assert 0.5 < away.max() < 1.0
    assert motion.groupby("slice")[["shift_ap_mm", "shift_rl_mm"]].mean().abs().to_numpy().max() < 1e-4
    assert (motion["kept"] == 1).all()


@pytest.mark.parametrize("label", list(SAMPLE_DESIGNS))
def test_the_three_scans_of_the_mt_protocol_are_found_with_their_settings(label):
    files = find_mt_pair(find_exam([SAMPLE / f"sub-{label}"]))
    assert files is not None
    assert files.t1w is not None
    assert files.t1w.name == f"sub-{label}_flip-2_mt-off_MTS"
    settings = MtParameters.from_sidecars(files.on.path, files.off.path, files.t1w.path)
    assert settings == MtParameters(*(excitation(name) for name in ("mt_on", "mt_off", "mt_t1w")))


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
