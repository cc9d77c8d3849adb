"""Step 1: open an exam and choose the scan."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QMenu, QSizePolicy

from napari_spinalq.gui.panels.parts import Step, button, row


class OpenPanel(Step):
    """Asks for files, a folder or a sample; shows the scans of the exam.

    Signals
    -------
    files_wanted, folder_wanted
        The user wants to choose files, or a folder.
    sample_wanted : str
        Key of a sample exam.
    scan_chosen : int
        Index of a scan of the exam.
    """

    files_wanted = Signal()
    folder_wanted = Signal()
    sample_wanted = Signal(str)
    scan_chosen = Signal(int)

    def __init__(self, samples: Sequence[tuple[str, str]]) -> None:
        super().__init__(1, "Open")
        self.files = button("Files…", "Choose NIfTI scans of one exam", self.files_wanted.emit)
        self.folder = button("Folder…", "Choose the folder of one exam (BIDS or any)", self.folder_wanted.emit)
        self.sample = button("Sample exam", "Open a digital exam whose true measures are known")
        menu = QMenu(self.sample)
        for key, title in samples:
            menu.addAction(title, lambda key=key: self.sample_wanted.emit(key))
        self.sample.setMenu(menu)
        self.scans = QComboBox()
        self.scans.setToolTip("The scan at hand: contrast, voxel size, file")
        self.scans.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.scans.activated.connect(self.scan_chosen.emit)
        self.body.addLayout(row(self.files, self.folder, self.sample))
        self.body.addWidget(self.scans)
        self.show_scans([], -1)

    def show_scans(self, titles: Sequence[str], current: int) -> None:
        """Show the scans of the exam and which one is at hand (-1: none)."""
        self.scans.clear()
        self.scans.addItems(list(titles) or ["No exam yet: open one, or drop a scan on the image"])
        for index, title in enumerate(titles):
            self.scans.setItemData(index, title, Qt.ItemDataRole.ToolTipRole)
        self.scans.setEnabled(bool(titles))
        self.scans.setCurrentIndex(current if titles else 0)
