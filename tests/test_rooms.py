"""The house keeps its shape: data flows downward, and only the viewer's room knows Qt and napari."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_spinalq
from napari_spinalq.io.samples import sample_subjects

PACKAGE = Path(napari_spinalq.__file__).parent
ORDER = [
    "_version", "errors", "progress", "contrast", "vertebrae", "anatomy", "geometry", "gradients", "scan", "exam", "io",
    "cord", "levels", "metrics", "registration", "diffusion", "mt", "tracts", "editing", "norms", "views", "phantom",
    "results", "structures", "microstructure", "scan_choice", "pipeline", "report", "derivatives", "reopen",
    "reopen_maps", "quality", "samples", "demo", "terminal", "printing", "endings", "cli", "gui",
]  # fmt: skip
"""A room may import from those before it and from itself; ``cli`` opens ``gui`` only when asked to."""

VIEWER_ONLY = ("qtpy", "superqt", "napari", "magicgui", "pyqtgraph", "vispy", "PyQt5", "PyQt6", "PySide6")
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_upward(path):
    here = room(path)
    if here == "__init__":
        return
    for name in imports(path):
        if not name.startswith("napari_spinalq."):
            continue
        there = name.split(".")[1]
        if (here, there) == ("cli", "gui"):
            assert name not in imports(path, top_level_only=True), "the command line opens the viewer only when asked"
        else:
            assert ORDER.index(there) <= ORDER.index(here), f"{here} must not import {there}"


def test_the_parts_of_quality_are_in_order_too():
    order = ["flags", "faults", "worklist", "readers"]
    for path in sorted((PACKAGE / "quality").rglob("*.py")):
        here = path.relative_to(PACKAGE / "quality").parts[0]
        used = {name.split(".")[2] for name in imports(path) if name.startswith("napari_spinalq.quality.")}
        if used:
            assert max(map(order.index, used)) <= order.index(here), f"{path.name} looks ahead"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_viewer_room_knows_qt(path):
    if room(path) != "gui":
        assert not {name.split(".")[0] for name in imports(path)} & set(VIEWER_ONLY)


def test_everything_but_the_viewer_works_without_qt_and_napari():
    """Import every module outside gui/ in a fresh process in which Qt and napari cannot be imported."""
    modules = [
        ".".join(["napari_spinalq", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
        for path in FILES
        if room(path) != "gui" and path.name != "__main__.py"
    ]
    code = (
        "import sys\n"
        f"for name in {VIEWER_ONLY!r}: sys.modules[name] = None\n"
        "import importlib\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(len(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_an_exam_is_analysed_without_qt_napari_and_display(tmp_path):
    exam, out = str(sample_subjects()[0]), str(tmp_path / "out")
    code = (
        "import sys\n"
        f"for name in {VIEWER_ONLY!r}: sys.modules[name] = None\n"
        f"sys.argv = ['spinalq', 'analyze', {exam!r}, '-o', {out!r}]\n"
        "from napari_spinalq.cli import main\n"
        "main()"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "C4" in done.stdout
    assert (tmp_path / "out" / "report.html").is_file()


def test_every_room_has_tests():
    rooms = {room(path) for path in FILES if path.parent != PACKAGE}
    tested = {path.name for path in Path(__file__).parent.iterdir() if path.is_dir()}
    assert rooms - {"__pycache__"} <= tested
