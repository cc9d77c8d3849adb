"""The package works as a wheel in a clean environment: plugin manifest, command line, sample data."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Return the bin folder of an environment that holds nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    wheel = next(folder.glob("*.whl"))
    venv.create(folder / "env", with_pip=True)
    bin_folder = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    run(bin_folder / "python", "-m", "pip", "install", "--quiet", f"{wheel}[pyqt5]", "npe2")
    return bin_folder


@pytest.mark.slow
def test_wheel_in_a_clean_environment(clean, tmp_path):
    from napari_spinalq import __version__

    assert __version__ in run(clean / "spinalq", "--version", cwd=tmp_path)
    assert "valid" in run(clean / "npe2", "validate", "--imports", "napari-spinalq", cwd=tmp_path).lower()
    run(clean / "spinalq", "demo", "--output", tmp_path / "demo", cwd=tmp_path)
    assert (tmp_path / "demo" / "metrics.tsv").is_file()


def test_the_manifest_at_the_top_is_the_one_in_the_package():
    top, inside = ROOT / "napari.yaml", ROOT / "napari_spinalq" / "napari.yaml"
    assert top.read_text() == inside.read_text()
    if os.name != "nt":
        assert top.is_symlink()
