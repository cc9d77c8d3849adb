"""The table shows what it is given, sorts by number and marks what changed."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_spinalq.gui.table_model import MISSING, Column, LevelTableModel, sortable

pytestmark = pytest.mark.gui

COLUMNS = (Column("name", "Level", "level"), Column("area", "Area\nmm²", "area", 1))


def _row(number, area, **more):
    return {"number": number, "name": f"C{number}", "name_sort": number, "area": area} | more


@pytest.fixture
def model(qtbot, qtmodeltester):
    made = LevelTableModel(COLUMNS, "number")
    made.set_rows([_row(3, 81.234), _row(4, 9.06), _row(5, float("nan"))])
    qtmodeltester.check(made)
    return made


def _text(model, row, column):
    return model.index(row, column).data()


def test_digits_and_missing_values(model):
    assert [_text(model, row, 1) for row in range(3)] == ["81.2", "9.1", MISSING]


def test_minus_zero_is_zero(model):
    model.set_rows([_row(3, -0.01)])
    assert _text(model, 0, 1) == "0.0"


def test_numbers_stand_on_the_right(model):
    assert model.index(0, 1).data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignRight
    assert model.index(0, 0).data(Qt.ItemDataRole.TextAlignmentRole) & Qt.AlignmentFlag.AlignLeft


def test_sorting_uses_numbers(model):
    proxy = sortable(model)
    proxy.sort(1, Qt.SortOrder.AscendingOrder)
    assert [proxy.index(row, 0).data() for row in range(2)] == ["C4", "C3"]


def test_only_what_changed_is_marked_and_the_mark_fades(model, qtbot):
    role = Qt.ItemDataRole.BackgroundRole
    with qtbot.waitSignal(model.dataChanged):
        model.set_rows([_row(3, 82.0), _row(4, 9.06), _row(5, float("nan"))])
    assert model.index(0, 1).data(role) is not None
    assert model.index(0, 0).data(role) is None
    assert model.index(1, 1).data(role) is None
    with qtbot.waitSignal(model.dataChanged, timeout=3000):
        pass
    assert model.index(0, 1).data(role) is None


def test_a_change_too_small_to_see_is_not_marked(model):
    model.set_rows([_row(3, 81.2341), _row(4, 9.06), _row(5, float("nan"))])
    assert model.index(0, 1).data(Qt.ItemDataRole.BackgroundRole) is None
    assert model.row(0)["area"] == 81.2341


def test_clipboard_text(model):
    assert model.as_text() == f"Level\tArea mm²\nC3\t81.2\nC4\t9.1\nC5\t{MISSING}\n"


def test_a_change_is_seen_in_the_selected_row_too(qtbot):
    from qtpy.QtWidgets import QStyle, QStyleOptionViewItem

    from napari_spinalq.gui.panels.measure_panel import MeasurePanel

    panel = MeasurePanel()
    qtbot.addWidget(panel)
    row = {"number": 3, "level": "C3", "area_mm2": 60.0}
    panel.show_rows([row])
    panel.show_rows([row | {"area_mm2": 61.0}])
    index = panel.table.model().index(0, 2)
    option = QStyleOptionViewItem()
    for cell, seen_as_selected in ((index, False), (index.siblingAtColumn(0), True)):
        option.state = QStyle.StateFlag.State_Selected
        panel.table.itemDelegate().initStyleOption(option, cell)
        assert bool(option.state & QStyle.StateFlag.State_Selected) is seen_as_selected
