"""Stand-ins for programs of other packages: they compare their command line with a recording and copy real files."""

import json
import os
import stat
import sys
import textwrap
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

AFFINE = nib.affines.from_matvec(np.diag([-0.5, 0.5, 3.0]), [12.0, -15.0, -20.0])
SHAPE = (48, 60, 14)

SCRIPT = """\
#!{python}
import json, os, shutil, sys, time
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
known = json.loads({known!r})
for entry in known:
    if entry["words"] == words:
        break
else:
    sys.exit("not a recorded command line: " + " ".join(words))
for name in entry["needs"]:
    if not os.path.isfile(name):
        sys.exit("no file " + name)
for source, target in entry["leaves"].items():
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    shutil.copy(source, target)
print(entry["prints"])
print(entry["complains"], file=sys.stderr)
sys.stdout.flush()
if entry["sleeps"]:
    open(entry["started"], "w").write(str(os.getpid()))
    time.sleep(entry["sleeps"])
sys.exit(entry["code"])
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Install a stand-in: ``program("sct_deepseg spinalcord -i a -o b", needs=[..], leaves={real file: left name})``.

    Several recordings of one program add up. Only the folder of the stand-ins is on the PATH.
    """
    if os.name == "nt":
        pytest.skip("stand-ins are scripts that Windows does not start")
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("SCT_DIR", "SPINALQ_TOTALSPINESEG", "SPINALQ_TIMEOUT_S"):
        monkeypatch.delenv(name, raising=False)
    recorded: dict[str, list[dict]] = {}

    def _install(line, *, needs=(), leaves=None, prints="", complains="", code=0, sleeps=0):
        words = line.split()
        recorded.setdefault(words[0], []).append(
            {
                "words": words,
                "needs": list(needs),
                "leaves": {str(Path(source).resolve()): target for source, target in (leaves or {}).items()},
                "prints": prints,
                "complains": complains,
                "code": code,
                "sleeps": sleeps,
                "started": str(tmp_path / "started"),
            }
        )
        path = folder / words[0]
        path.write_text(textwrap.dedent(SCRIPT.format(python=sys.executable, known=json.dumps(recorded[words[0]]))))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return _install


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """Return the folder in which temporary folders are made, to see that none is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def exam(tmp_path):
    """Return a folder with a T2w image, its ellipse as mask, soft mask, levels, and TotalSpineSeg labels at 1 mm."""
    x, y, z = np.indices(SHAPE, dtype=float)
    radius = np.hypot((x - 23.5) * 0.5 / 6, (y - 29.5) * 0.5 / 4)
    inside = radius <= 1
    levels = np.select([z < 5, z < 10], [5, 4], 3) * inside
    images = {
        "t2": (100.0 - 40.0 * inside).astype(np.float32),
        "cord": inside.astype(np.uint8),
        "soft": np.clip(1.5 - radius, 0, 1).astype(np.float32),
        "levels": levels.astype(np.uint8),
        "empty": np.zeros(SHAPE, np.uint8),
    }
    for name, data in images.items():
        nib.save(nib.Nifti1Image(data, AFFINE), tmp_path / f"{name}.nii.gz")
    nib.save(nib.Nifti1Image(images["cord"][:, :, :-1], AFFINE), tmp_path / "other_grid.nii.gz")
    return tmp_path
