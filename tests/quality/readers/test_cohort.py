"""Agreement over a cohort of cylinders of known area."""

import json

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.quality.readers.cohort import agreement_of_folders

AFFINE = np.diag([0.5, 0.5, 2.0, 1.0])
SHAPE = (60, 60, 12)


def _save(data, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data.astype(np.uint8), AFFINE)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def _block(columns, extra=0):
    mask = np.zeros(SHAPE)
    mask[20 : 20 + columns, 20:40, :] = 1
    mask[20 : 20 + extra, 40, :] = 1
    return mask


def _levels(mask, border=6):
    levels = np.zeros(SHAPE)
    levels[:, :, :border], levels[:, :, border:] = 4, 3
    return levels * (mask > 0)


@pytest.fixture
def folders(tmp_path):
    """Return two folders of six exams: the second reader draws 8, 8, 8, 16, 16, 16 pixels more in each slice."""
    for number in range(6):
        name = f"sub-{number:02d}/anat/sub-{number:02d}_T2w"
        first = _block(14 + 2 * number)
        second = _block(14 + 2 * number, 8 if number < 3 else 16)
        for folder, mask, border in (("A", first, 6), ("B", second, 7)):
            _save(mask, tmp_path / folder / f"{name}_label-cord_mask.nii.gz")
            _save(_levels(mask, border), tmp_path / folder / f"{name}_label-levels_dseg.nii.gz")
    return tmp_path / "A", tmp_path / "B"


def _value(table, metric, level="all", case="all", column="value"):
    rows = table[(table["metric"] == metric) & (table["level"] == level) & (table["case"] == case)]
    assert len(rows) == 1
    return rows.iloc[0][column]


def test_figures_over_all_exams_in_closed_form(folders):
    table, provenance = agreement_of_folders(*folders)
    # A pixel has 0.25 mm2: areas are 70..120, differences 2, 2, 2, 4, 4, 4 mm2.
    assert _value(table, "area_bias", "C3") == pytest.approx(3.0, abs=0.02)
    sd = np.std([2, 2, 2, 4, 4, 4], ddof=1)
    assert _value(table, "area_loa_high", "C3") == pytest.approx(3.0 + 1.959964 * sd, abs=0.05)
    assert _value(table, "area_bias", "C3", column="n") == 6
    first = np.arange(70, 121, 10.0)
    second = first + np.array([2, 2, 2, 4, 4, 4])
    rest, raters = sd**2 / 2, 6 * 3.0**2 / 2  # mean squares of a table of two columns
    cases = 2 * np.var((first + second) / 2, ddof=1)
    icc = (cases - rest) / (cases + rest + 2 * (raters - rest) / 6)
    assert _value(table, "area_icc_2_1", "C3") == pytest.approx(icc, abs=1e-3)
    assert _value(table, "dice_mean", "C4") == pytest.approx(
        np.mean([2 * n / (2 * n + d) for n, d in zip(first * 4, [8, 8, 8, 16, 16, 16], strict=True)])
    )
    assert provenance.flags == []
    assert len(provenance.sources) == 12


def test_the_levels_of_slices_are_compared_by_kappa(folders):
    table, _ = agreement_of_folders(*folders)
    # Of 12 slices one is C3 for the first reader and C4 for the second: 11/12 agree, chance (6*7 + 6*5) / 144.
    seen, chance = 11 / 12, 72 / 144
    assert _value(table, "level_kappa") == pytest.approx((seen - chance) / (1 - chance))
    assert _value(table, "level_kappa", column="n") == 72
    assert "depend" in _value(table, "level_kappa", column="note")


def test_masks_of_one_folder_only_and_on_another_grid_are_named(folders):
    first, second = folders
    name = "sub-05/anat/sub-05_T2w_label-cord_mask.nii.gz"
    (second / name).unlink()
    other = second / "sub-04/anat/sub-04_T2w_label-cord_mask.nii.gz"
    image = nib.load(other)
    data = np.asarray(image.dataobj)[:, :, :-1]
    other.unlink()
    _save(data, other)
    table, provenance = agreement_of_folders(first, second)
    assert any(name in flag and "only in" in flag for flag in provenance.flags)
    assert any("left out" in flag and "grid" in flag for flag in provenance.flags)
    assert _value(table, "area_bias", "C3", column="n") == 4
    assert "too few" in _value(table, "area_icc_2_1", "C3", column="note")


def test_second_reads_beside_the_first_are_compared_by_name(folders):
    first, second = folders
    for path in second.rglob("*_label-cord_mask.nii.gz"):
        target = first / path.relative_to(second)
        path.rename(target.with_name(target.name.replace("_mask", "_desc-AMK_mask")))
    table, _ = agreement_of_folders(first, first, raters=("", "AMK"))
    assert _value(table, "area_bias", "C3") == pytest.approx(3.0, abs=0.02)
    assert "level_kappa" not in set(table["metric"])
    with pytest.raises(InputError, match="with itself"):
        agreement_of_folders(first, first)


def test_control_masks_never_count(folders):
    first, second = folders
    for folder in folders:
        for path in list(folder.rglob("*_label-cord_mask.nii.gz")):
            path.rename(path.with_name(path.name.replace("_T2w_", "_T2w_control-001_")))
    with pytest.raises(InputError, match="share no mask"):
        agreement_of_folders(first, second)


def test_the_command_writes_table_and_sidecar(folders, tmp_path, run):
    output = tmp_path / "agreement.tsv"
    code, out, _ = run("agree", *folders, "-o", output)
    assert code == 0
    assert "C3" in out
    assert json.loads(output.with_suffix(".json").read_text())["Description"] == "Agreement of reads"
    code, _, error = run("agree", folders[0], tmp_path / "nowhere", "-o", tmp_path / "b.tsv")
    assert code == 2
    assert "no folder" in error
