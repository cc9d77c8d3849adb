"""Atlases in folders: one written from the built-in atlas comes back, in whatever orientation its files are."""

import nibabel as nib
import numpy as np
import pytest

from napari_spinalq.errors import GridMismatchError, InputError
from napari_spinalq.geometry import Grid, reorient_array
from napari_spinalq.tracts.builtin import builtin_atlas
from napari_spinalq.tracts.fit import fit_atlas, fit_quality
from napari_spinalq.tracts.folder import read_atlas, read_warped_atlas
from napari_spinalq.tracts.places import HORNS_SWAPPED
from tests.tracts.conftest import Ellipse, centred_grid, overlap

NAMES = {
    "gracilis": "WM {} fasciculus gracilis",
    "cuneatus": "WM {} fasciculus cuneatus",
    "lateral_cst": "WM {} lateral corticospinal tract",
    "spinocerebellar_ventral": "WM {} ventral spinocerebellar tract",
    "rubrospinal": "WM {} rubrospinal tract",
    "spinothalamic": "WM {} spinal lemniscus (spinothalamic and spinoreticular tracts)",
    "ventral_cst": "WM {} ventral corticospinal tract",
    "anterolateral": "WM {} anterolateral",
    "ventromedial": "WM {} ventromedial",
    "ventral_horn": "GM {} ventral horn",
    "intermediate": "GM {} intermediate zone",
    "dorsal_horn": "GM {} dorsal horn",
}


def write(folder, codes="LAS", levels=(5, 5, 5, 4, 4, 4), **names):
    """Write the built-in atlas on a straight cord of 12 x 7.4 mm as a folder; returns its grid."""
    grid = centred_grid(codes, shape=(30, 21, 6), spacing=(0.5, 0.5, 2.0))
    mask = Ellipse().share(grid)
    maps = fit_atlas(builtin_atlas(), mask, np.array(levels), grid)
    (folder / "atlas").mkdir(parents=True)
    (folder / "template").mkdir()
    lines = ["# Keyword=IndivLabels"]
    for number, (tract, share) in enumerate(zip(maps.tracts, maps.fractions, strict=True)):
        base = tract.key.removesuffix(f"_{tract.side}")
        name = (NAMES | names).get(base, "CSF contour").format(tract.side)
        lines.append(f"{number}, {name}, part_{number}.nii.gz")
        nib.save(nib.Nifti1Image(share, grid.affine), folder / "atlas" / f"part_{number}.nii.gz")
    (folder / "atlas" / "info_label.txt").write_text(
        "\n".join([*lines, "# Keyword=CombinedLabels", "52, gray matter, 18:23"])
    )
    level_map = np.zeros(grid.reoriented("SAR").shape, np.uint8) + np.array(levels, np.uint8)[:, None, None]
    level_map, _ = reorient_array(level_map, grid.reoriented("SAR"), grid.axis_codes)
    cord = (mask >= 0.5).astype(np.uint8)
    nib.save(nib.Nifti1Image(level_map * cord, grid.affine), folder / "template" / "PAM50_levels.nii.gz")
    nib.save(nib.Nifti1Image(cord, grid.affine), folder / "template" / "PAM50_cord.nii.gz")
    return grid


@pytest.mark.parametrize("codes", ["LAS", "RAS", "PIR"])
def test_an_atlas_comes_back_in_normalised_coordinates_whatever_its_orientation(tmp_path, codes):
    write(tmp_path, codes)
    found, own = read_atlas(tmp_path / "atlas"), builtin_atlas()
    assert found.levels == (4, 5)
    assert found.name == "atlas"
    assert found.flags == ()
    axis = np.linspace(-1, 1, 81)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    known = dict(zip([tract.key for tract in own.tracts], own.shares(4.25, x, y), strict=True))
    for tract, share in zip(found.tracts, found.shares(4, x, y), strict=True):
        assert overlap(share, known[tract.key]) > 0.8, tract.key
    np.testing.assert_allclose(found.shares(4, x, y).sum(axis=0), 1.0, atol=1e-5)


def test_the_cord_is_the_sum_of_the_parts_where_no_file_holds_it(tmp_path):
    write(tmp_path)
    with_cord = read_atlas(tmp_path / "atlas")
    (tmp_path / "template" / "PAM50_cord.nii.gz").unlink()
    without = read_atlas(tmp_path / "atlas")
    np.testing.assert_allclose(without.maps, with_cord.maps, atol=0.12)


def test_an_atlas_without_levels_says_what_is_missing(tmp_path):
    write(tmp_path)
    (tmp_path / "template" / "PAM50_levels.nii.gz").unlink()
    with pytest.raises(InputError, match="needs the vertebral levels of its template"):
        read_atlas(tmp_path / "atlas")


def test_a_warped_atlas_is_taken_as_it_lies(tmp_path):
    grid = write(tmp_path)
    maps = read_warped_atlas(tmp_path / "atlas", grid)
    mask = Ellipse().share(grid)
    again = fit_atlas(builtin_atlas(), mask, np.array([5, 5, 5, 4, 4, 4]), grid)
    np.testing.assert_allclose(maps.fraction("lateral_cst_left"), again.fraction("lateral_cst_left"), atol=1e-5)
    assert maps.fractions.sum(axis=0).max() <= 1 + 1e-5
    assert fit_quality(maps, mask, grid).cord_dice > 0.98


def test_horns_that_are_named_the_wrong_way_round_are_read_by_their_place(tmp_path):
    grid = write(tmp_path / "right")
    write(tmp_path / "wrong", ventral_horn="GM {} dorsal horn", dorsal_horn="GM {} ventral horn")
    right, wrong = (read_warped_atlas(tmp_path / name / "atlas", grid) for name in ("right", "wrong"))
    assert wrong.flags == (HORNS_SWAPPED,)
    assert right.flags == ()
    np.testing.assert_array_equal(wrong.fraction("dorsal_horn_left"), right.fraction("dorsal_horn_left"))
    assert read_atlas(tmp_path / "wrong" / "atlas").flags == (HORNS_SWAPPED,)


def test_exchanged_sides_are_refused(tmp_path):
    grid = write(tmp_path)
    info = tmp_path / "atlas" / "info_label.txt"
    text = info.read_text().replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
    info.write_text(text)
    for read in (lambda: read_warped_atlas(tmp_path / "atlas", grid), lambda: read_atlas(tmp_path / "atlas")):
        with pytest.raises(InputError, match="left and right are exchanged"):
            read()


def _overwrite(folder, values, grid):
    nib.save(nib.Nifti1Image(values.astype(np.float32), grid.affine), folder / "atlas" / "part_0.nii.gz")


def test_parts_that_cannot_be_used_are_refused(tmp_path):
    grid = write(tmp_path)
    other = Grid(grid.shape, grid.affine + np.diag([0.1, 0, 0, 0]))
    with pytest.raises(GridMismatchError):
        read_warped_atlas(tmp_path / "atlas", other)
    _overwrite(tmp_path, np.full(grid.shape, np.nan), grid)
    with pytest.raises(InputError, match="part_0"):
        read_warped_atlas(tmp_path / "atlas", grid)
    _overwrite(tmp_path, np.full(grid.shape, 7.0), grid)
    with pytest.raises(InputError, match="holds shares, 0 to 1"):
        read_warped_atlas(tmp_path / "atlas", grid)
    _overwrite(tmp_path, np.full(grid.shape, 1.0), grid)
    with pytest.raises(InputError, match="add up to"):
        read_warped_atlas(tmp_path / "atlas", grid)
    (tmp_path / "atlas" / "part_0.nii.gz").unlink()
    with pytest.raises(InputError, match="part_0"):
        read_warped_atlas(tmp_path / "atlas", grid)


@pytest.mark.realdata
def test_the_atlas_that_was_warped_to_a_real_scan(sct_testing):
    """Its own file calls the horns the wrong way round; parts fill the cord and lie on their sides."""
    from napari_spinalq.io.nifti import load_scan

    scan = load_scan(sct_testing / "mt" / "mt1.nii.gz")
    maps = read_warped_atlas(sct_testing / "mt" / "label" / "atlas", scan.grid)
    assert len(maps.tracts) == 37
    assert maps.flags == (HORNS_SWAPPED,)
    assert maps.fraction("cord")[..., 1:3].sum() == pytest.approx(217.4, abs=0.1), "as the reference table has it"
    assert maps.fraction("lateral_cst_left").sum() == pytest.approx(19.10, abs=0.01)


@pytest.mark.realdata
@pytest.mark.slow
def test_pam50_and_the_built_in_atlas_are_alike(shared):
    pam50, own = read_atlas(shared / "data" / "pam50" / "atlas"), builtin_atlas()
    axis = np.linspace(-1, 1, 81)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    assert pam50.levels == tuple(range(1, 21))
    assert pam50.flags == ()
    for level in (2, 4, 7):
        theirs = dict(zip([tract.key for tract in pam50.tracts], pam50.shares(level, x, y), strict=True))
        for tract, share in zip(own.tracts, own.shares(level, x, y), strict=True):
            if tract.key in theirs and not tract.key.startswith("rubrospinal"):
                assert overlap(share, theirs[tract.key]) > 0.8, (level, tract.key)
