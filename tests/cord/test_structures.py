"""Asking for any structure by name."""

import numpy as np
import pytest

from napari_spinalq.cord.grey_matter import PHYSICAL_EDGE, READER_EDGE
from napari_spinalq.cord.segment import segment_cord
from napari_spinalq.cord.structures import segment_structure
from napari_spinalq.errors import InputError


def dice(a, b):
    return 2 * np.sum(a & b) / (np.sum(a) + np.sum(b))


def test_each_structure_comes_with_its_own_parameters(neck):
    scan = neck.scan()
    cord, grey, canal = (segment_structure(name, scan) for name in ("cord", "gm", "canal"))
    assert np.array_equal(cord.mask, segment_cord(scan).mask)
    assert dice(grey.mask > 0, neck.grey >= 0.5) > 0.9
    assert dice(canal.mask > 0, neck.sac >= 0.5) > 0.97
    assert grey.parameters["cord"] == canal.parameters["cord"] == cord.parameters
    assert grey.mask.sum() < cord.mask.sum() < canal.mask.sum()


def test_a_given_cord_is_used(neck):
    scan = neck.scan()
    found = segment_structure("gm", scan, cord_mask=neck.cord)
    assert found.parameters["cord"] == {"method": "given mask"}
    assert dice(found.mask > 0, neck.grey >= 0.5) > 0.9


def test_one_slice_is_enough_for_a_given_cord(neck):
    only = np.zeros_like(neck.cord)
    only[..., 2] = neck.cord[..., 2]
    found = segment_structure("gm", neck.scan(), cord_mask=only)
    assert dice(found.mask[..., 2] > 0, neck.grey[..., 2] >= 0.5) > 0.9
    assert not found.mask[..., [0, 1, 3, 4]].any()


def test_edge_of_grey_matter_follows_the_offset(neck):
    scan = neck.scan()
    assert segment_structure("gm", scan, cord_mask=neck.cord).parameters["edge_level"] == READER_EDGE
    physical = segment_structure("gm", scan, cord_mask=neck.cord, edge_offset_mm=0.0)
    assert physical.parameters["edge_level"] == PHYSICAL_EDGE


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("brain", {}, "one of cord, gm, canal"),
        ("cord", {"cord_mask": True}, "of no use"),
        ("gm", {"cord_mask": True, "at": (0.0, 0.0, 0.0)}, "not both"),
        ("gm", {"edge_offset_mm": 0.3}, "0 for the physical edge"),
        ("canal", {"cord_mask": True, "edge_offset_mm": 5.0}, "between -2 and 2 mm"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(neck, name, options, said):
    if "cord_mask" in options:
        options = {**options, "cord_mask": neck.cord}
    with pytest.raises(InputError, match=said) as refusal:
        segment_structure(name, neck.scan(), **options)
    assert "\n" not in str(refusal.value)


def test_a_scan_without_the_structure_is_refused(neck):
    flat = neck.scan(white=195.0, grey=195.0)
    with pytest.raises(InputError, match="GM not measurable on this scan: no contrast between grey and white matter"):
        segment_structure("gm", flat, cord_mask=neck.cord)
    isointense = neck.scan(csf=200.0)
    with pytest.raises(InputError, match="canal not measurable"):
        segment_structure("canal", isointense, cord_mask=neck.cord)
