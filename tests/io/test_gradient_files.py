"""Gradient files are read as they were meant, in every orientation, and refused in one sentence where they are not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_spinalq.errors import InputError
from napari_spinalq.geometry import Grid
from napari_spinalq.gradients import GradientTable, direction_condition
from napari_spinalq.io.bids import find_exam, find_gradients
from napari_spinalq.io.gradient_files import read_gradients, write_gradients
from napari_spinalq.io.nifti import load_scan
from napari_spinalq.phantom.diffusion import default_scheme

ORIENTATIONS = ("LAS", "RAS", "PIR", "SAR", "LPI", "ASL")


def grid_of(codes, turn_deg=(0.0, 0.0, 0.0)):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix() * [1.0, 1.2, 5.0]
    return Grid((8, 9, 10), affine).reoriented(codes)


def write(folder, **texts):
    for name, text in texts.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder / "dwi.nii.gz"


def rows(array):
    return "\n".join(" ".join(f"{value:.8f}" for value in row) for row in np.atleast_2d(array)) + "\n"


@pytest.fixture
def scheme():
    return default_scheme()


@pytest.fixture
def grid():
    return grid_of("LAS")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    codes=st.sampled_from(ORIENTATIONS),
    turn=st.tuples(*[st.floats(-35, 35)] * 3),
    seed=st.integers(0, 2**31),
    n=st.integers(8, 40),
)
def test_what_is_written_is_read_back_in_every_orientation(tmp_path, codes, turn, seed, n):
    random = np.random.default_rng(seed)
    directions = random.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions[0] = 0
    table = GradientTable(np.r_[0, random.uniform(60, 3000, n - 1)], directions)
    if direction_condition(table.distinct_directions()) > 900:
        return  # random directions that no tensor can be told from
    grid = grid_of(codes, turn)
    write_gradients(table, grid, tmp_path / "dwi", overwrite=True)
    read = read_gradients(tmp_path / "dwi.nii.gz", grid, n)
    assert np.abs(read.directions - table.directions).max() < 1e-6
    assert np.abs(read.b_values - table.b_values).max() < 1e-6


@pytest.mark.parametrize(
    ("codes", "along_first", "along_second"),
    [
        # determinant below zero: components are along the axes of the array, as they grow
        ("LAS", [-1, 0, 0], [0, 1, 0]),
        ("RPS", [1, 0, 0], [0, -1, 0]),
        # determinant above zero: the first is negated
        ("RAS", [-1, 0, 0], [0, 1, 0]),
        ("PIR", [0, 1, 0], [0, 0, -1]),
        ("SAL", [0, 0, -1], [0, 1, 0]),
    ],
)
def test_fsl_directions_are_relative_to_the_axes_of_the_file(tmp_path, scheme, codes, along_first, along_second):
    grid = grid_of(codes)
    vectors = scheme.directions.copy()
    vectors[5:7] = [[1, 0, 0], [0, 1, 0]]
    path = write(tmp_path, dwi_bval=rows(scheme.b_values), dwi_bvec=rows(vectors.T))
    read = read_gradients(path, grid, 35)
    assert read.directions[5] == pytest.approx(along_first)
    assert read.directions[6] == pytest.approx(along_second)


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_mrtrix_directions_are_never_flipped(tmp_path, scheme, codes):
    path = write(tmp_path, dwi_b="# made by hand\n" + rows(np.c_[scheme.directions, scheme.b_values]))
    read = read_gradients(path, grid_of(codes, (12.0, -5.0, 8.0)), 35)
    assert read.directions == pytest.approx(scheme.directions, abs=1e-7)
    assert read.b_values == pytest.approx(scheme.b_values)


def test_lengths_in_a_mrtrix_table_scale_its_b_values_by_their_square(tmp_path, scheme, grid):
    vectors = scheme.directions.copy()
    vectors[5:15] *= np.sqrt(0.5)
    path = write(tmp_path, dwi_grad=rows(np.c_[vectors, scheme.b_values * 2]))
    read = read_gradients(path, grid, 35)
    assert read.b_values[5:15] == pytest.approx(np.full(10, 800.0), rel=1e-6)
    assert read.b_values[15:] == pytest.approx(np.full(20, 1600.0))
    assert read.directions == pytest.approx(scheme.directions, abs=1e-6)
    assert [round(shell.b_value) for shell in read.shells()] == [800, 1600]


def test_rows_and_columns_commas_and_tabs_are_the_same(tmp_path, scheme, grid):
    texts = [
        (rows(scheme.b_values), rows(scheme.directions.T)),
        (rows(scheme.b_values[:, None]), rows(scheme.directions)),
        (rows(scheme.b_values).replace(" ", ","), rows(scheme.directions.T).replace(" ", "\t")),
        (rows(scheme.b_values).replace("\n", "\r\n"), "\ufeff" + rows(scheme.directions.T) + "\n\n"),
    ]
    tables = [read_gradients(write(tmp_path, dwi_bval=bval, dwi_bvec=bvec), grid, 35) for bval, bvec in texts]
    for table in tables[1:]:
        assert (table.directions == tables[0].directions).all()
        assert (table.b_values == tables[0].b_values).all()


def test_three_by_three_is_read_as_fsl_writes_it(tmp_path, grid):
    vectors = np.array([[0, 0, 0], [1, 0, 0], [0.6, 0.8, 0]])
    path = write(tmp_path, dwi_bval="0 800 800\n", dwi_bvec=rows(vectors.T))
    with pytest.raises(InputError, match="has 2 distinct diffusion directions"):
        read_gradients(path, grid, 3)


def test_slightly_rounded_directions_are_made_unit_length(tmp_path, scheme, grid):
    path = write(tmp_path, dwi_bval=rows(scheme.b_values), dwi_bvec=rows(np.round(scheme.directions.T, 2)))
    read = read_gradients(path, grid, 35)
    assert np.linalg.norm(read.directions[5:], axis=1) == pytest.approx(np.ones(30), abs=1e-12)


def changed(scheme, **changes):
    """Return texts of bval and bvec with single numbers changed, such as bval={3: -5}."""
    b_values, vectors = scheme.b_values.copy(), scheme.directions.copy()
    for volume, value in changes.get("bval", {}).items():
        b_values[volume] = value
    for volume, vector in changes.get("bvec", {}).items():
        vectors[volume] = vector
    return {"dwi_bval": rows(b_values), "dwi_bvec": rows(vectors.T)}


@pytest.mark.parametrize(
    ("texts", "n", "words"),
    [
        (lambda s: changed(s), 34, "35 b-values, the series 34 volumes"),
        (lambda s: {"dwi_bval": rows(s.b_values), "dwi_bvec": rows(s.directions[:-1].T)}, 35, "has 34 directions"),
        (lambda s: {"dwi_bval": rows(s.b_values), "dwi_bvec": rows(s.directions[:, :2])}, 35, "3 rows or in 3 columns"),
        (lambda s: {"dwi_bval": rows(s.directions), "dwi_bvec": rows(s.directions)}, 35, "one row or in one column"),
        (lambda s: changed(s, bval={7: -800}), 35, r"negative b-value \(-800, volume 7\)"),
        (lambda s: changed(s, bvec={7: [0, 0, 0]}), 35, "no direction.*weighted volume 7"),
        (lambda s: changed(s, bvec={7: [0, 0, 2]}), 35, "not of unit length.*volume 7.*2"),
        (lambda s: changed(s, bvec={7: [0, 0, 0.7071]}), 35, "encode the b-value by their square"),
        (lambda s: {"dwi_bval": rows(s.b_values / 1000), "dwi_bvec": rows(s.directions)}, 35, "ms/um2"),
        (lambda s: {"dwi_bval": rows(s.b_values * 0), "dwi_bvec": rows(s.directions)}, 35, "All b-values.*are 0"),
        (lambda s: {"dwi_bval": rows(s.b_values / 20), "dwi_bvec": rows(s.directions)}, 35, "lower the threshold"),
        (lambda s: changed(s, bval=dict.fromkeys(range(5), 200)), 35, "raise the b0 threshold"),
        (lambda s: {"dwi_bval": rows(s.b_values), "dwi_bvec": "a b c\n"}, 35, "Line 1.*'a', which is no number"),
        (lambda s: {"dwi_bval": "0 nan 800\n", "dwi_bvec": rows(s.directions)}, 35, "'nan', which is no number"),
        (lambda s: {"dwi_bval": "\n", "dwi_bvec": rows(s.directions)}, 35, "is empty"),
        (lambda s: {"dwi_bval": rows(s.b_values), "dwi_bvec": "1 0 0\n0 1\n"}, 35, "2 to 3 numbers"),
        (lambda s: {"dwi_bval": rows(s.b_values)}, 35, "has no bvec file"),
        (lambda s: {}, 35, "has no bval and no bvec file"),
        (lambda s: {"dwi_b": rows(s.directions)}, 35, "four numbers"),
        (lambda s: {"dwi_b": rows(np.c_[s.directions, s.b_values])}, 36, "has 35 rows, the series 36 volumes"),
        (
            lambda s: changed(s, bvec={i: [np.cos(i), np.sin(i), 0] for i in range(5, 35)}),
            35,
            "nearly in one plane or on one cone",
        ),
        (
            lambda s: changed(s, bvec={i: s.directions[5 + i % 5] * (-1) ** i for i in range(5, 35)}),
            35,
            "has 5 distinct diffusion directions",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(tmp_path, scheme, grid, texts, n, words):
    path = write(tmp_path, **texts(scheme))
    with pytest.raises(InputError, match=words) as refused:
        read_gradients(path, grid, n)
    assert "\n" not in str(refused.value)


def test_files_that_are_no_text_or_not_there_are_named(tmp_path, scheme, grid):
    path = write(tmp_path, **changed(scheme))
    (tmp_path / "dwi.bvec").write_bytes(b"\x1f\x8b\x08\xff\xfe")
    with pytest.raises(InputError, match=r"dwi\.bvec is no text file"):
        read_gradients(path, grid, 35)
    with pytest.raises(InputError, match=r"There is no file .*other\.bvec"):
        read_gradients(path, grid, 35, bvec=tmp_path / "other.bvec")
    with pytest.raises(InputError, match="not both"):
        read_gradients(path, grid, 35, bval=tmp_path / "dwi.bval", grad=tmp_path / "dwi.b")


def test_a_threshold_makes_low_b_values_count_as_unweighted(tmp_path, scheme, grid):
    path = write(tmp_path, **changed(scheme, bval=dict.fromkeys(range(5), 100)))
    assert read_gradients(path, grid, 35, b0_threshold=100).unweighted.sum() == 5


def test_written_files_are_fsl_and_never_replaced_unasked(tmp_path, scheme, grid):
    bval, bvec = write_gradients(scheme, grid, tmp_path / "sub-01_dwi")
    assert (bval.name, bvec.name) == ("sub-01_dwi.bval", "sub-01_dwi.bvec")
    assert np.loadtxt(bval) == pytest.approx(scheme.b_values)
    assert np.loadtxt(bvec).shape == (3, 35)
    assert "-0.00000000" not in bvec.read_text()
    before = bvec.read_text()
    bval.unlink()
    with pytest.raises(InputError, match="exists already"):
        write_gradients(scheme, grid, tmp_path / "sub-01_dwi")
    assert not bval.exists()
    assert bvec.read_text() == before


@pytest.mark.parametrize("name", ["dwi.b", "dwi.grad", "grad.b", "grad.txt", "encoding.b"])
def test_mrtrix_tables_are_found_beside_the_scan(tmp_path, name):
    (tmp_path / name).touch()
    (tmp_path / "dwi.nii.gz").touch()
    assert find_gradients(tmp_path / "dwi.nii.gz").grad == tmp_path / name
    assert find_exam([tmp_path]).files[0].grad == tmp_path / name


def test_fsl_files_come_before_a_mrtrix_table(tmp_path, scheme, grid):
    other = np.c_[scheme.directions, scheme.b_values * 2]
    path = write(tmp_path, **changed(scheme), dwi_b=rows(other))
    assert read_gradients(path, grid, 35).b_values.max() == 800
    assert read_gradients(path, grid, 35, grad=tmp_path / "dwi.b").b_values.max() == 1600


@pytest.mark.realdata
def test_real_files_with_one_direction_a_row(sct_testing):
    path = sct_testing / "dmri" / "dmri.nii.gz"
    scan = load_scan(path)
    table = read_gradients(path, scan.grid, scan.volumes)
    assert table.b_values.tolist() == [0, *[750] * 6]
    # volumes 2, 4 and 6 belong to an icosahedron in scanner axes: only the right frame gives back its exact zeros
    icosahedron = np.array([0, np.sqrt(1 - 0.525731**2), 0.525731])
    for volume in (2, 4, 6):
        assert np.sort(np.abs(table.directions[volume])) == pytest.approx(np.sort(icosahedron), abs=1e-3)


def test_sample_series_has_the_scheme_it_was_made_with(scheme):
    path = Path(__file__).parents[2] / "sample_data" / "sub-healthy01" / "dwi" / "sub-healthy01_dwi.nii.gz"
    scan = load_scan(path)
    table = read_gradients(path, scan.grid, scan.volumes)
    assert table.directions == pytest.approx(scheme.directions, abs=1e-6)
    assert table.b_values == pytest.approx(scheme.b_values)
