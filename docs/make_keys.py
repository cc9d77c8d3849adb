"""Write ``docs/keys.md`` from the table of shortcuts; run it (``python docs/make_keys.py``) after a change of that."""

from pathlib import Path

from napari_spinalq.gui.shortcuts import as_markdown

PAGE = Path(__file__).parent / "keys.md"

if __name__ == "__main__":
    PAGE.write_text(as_markdown(), encoding="utf-8")
    print(PAGE)
