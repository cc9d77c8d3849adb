"""What is replayed from the file equals what was on the screen, after any sequence of edits, undos and redos."""

import numpy as np
import pytest

from napari_spinalq.errors import InputError
from napari_spinalq.io.journal import (
    Automatic,
    Journal,
    State,
    automatic_masks,
    between,
    mask_digest,
    provenance,
    read_journal,
    replay,
)
from tests.io.journal.conftest import image

IMAGES = (image(), image("sub-01_T2star.nii.gz", "PSR", (4, 3, 6), "b" * 64))
STRUCTURES = ("cord", "gm", "canal")
TOOLS = ("brush", "eraser", "grow", "segmentation")


class Screen:
    """Does with whole arrays what a window does, and keeps every state it was in: the slow and certain way."""

    def __init__(self, journal, seed):
        self.journal, self.rng = journal, np.random.default_rng(seed)
        self.masks, self.discs, self.checked = {}, {}, {}
        self.past, self.future, self.stored = [], [], None

    def state(self):
        masks = {key: mask.copy() for key, mask in self.masks.items()}
        return masks, dict(self.discs), dict(self.checked)

    def put(self, state):
        self.masks = {key: mask.copy() for key, mask in state[0].items()}
        self.discs, self.checked = dict(state[1]), dict(state[2])

    def act(self):
        deeds = [self.stroke, self.stroke, self.stroke, self.gone, self.move_disc, self.check, self.save]
        self.rng.choice([*deeds, self.undo, self.undo, self.redo, self.discard])()

    def stroke(self):
        ref = IMAGES[self.rng.integers(2)]
        structure, tool = self.rng.choice(STRUCTURES), self.rng.choice(TOOLS)
        key, before = (ref, structure), self.masks.get((ref, structure))
        after = np.zeros(ref.order.work_shape, np.uint8) if before is None else before.copy()
        after[self.rng.random(after.shape) < 0.1] = self.rng.integers(0, 3)
        self._note(key, before, after, tool)

    def gone(self):
        if self.masks:
            key = list(self.masks)[self.rng.integers(len(self.masks))]
            self._note(key, self.masks[key], None, "removed")

    def _note(self, key, before, after, tool):
        self._remember()
        delta = between(before, after, key[0].order)
        self.journal.note_mask(*key, tool, delta, slices=(), was=before is not None, now=after is not None)
        self.masks.pop(key, None)
        if after is not None:
            self.masks[key] = after

    def move_disc(self):
        self._remember()
        after = {"C2-C3": self.rng.random(3).tolist()}
        self.journal.note_discs(self.discs, after)
        self.discs = after

    def check(self):
        self._remember()
        ref, before = IMAGES[0], self.checked.get(IMAGES[0], frozenset())
        after = before ^ {int(self.rng.integers(5))}
        self.journal.note_checked(ref, sorted(before), sorted(after))
        self.checked[ref] = frozenset(after)

    def _remember(self):
        self.past.append(self.state())
        self.future.clear()

    def undo(self):
        moved = self.journal.undo()
        assert (moved is not None) == bool(self.past)
        if self.past:
            self.future.append(self.state())
            self.put(self.past.pop())

    def redo(self):
        moved = self.journal.redo()
        assert (moved is not None) == bool(self.future)
        if self.future:
            self.past.append(self.state())
            self.put(self.future.pop())

    def save(self):
        keys = [(ref, structure) for ref in IMAGES for structure in STRUCTURES]
        self.journal.note_saved({key: self.masks.get(key) for key in keys}, "digest")
        self.stored = self.state()

    def discard(self):
        self.journal.discard()
        self.put(self.stored or ({}, {}, {}))
        self.past.clear()
        self.future.clear()


def _same(state: State, screen: Screen):
    assert state.masks.keys() == screen.masks.keys()
    for key, mask in screen.masks.items():
        np.testing.assert_array_equal(state.masks[key], mask)
    assert state.discs == screen.discs
    assert {ref: slices for ref, slices in state.checked.items() if slices} == {
        ref: slices for ref, slices in screen.checked.items() if slices
    }


@pytest.mark.parametrize("seed", range(200))
def test_the_replay_equals_the_screen(home, seed):
    screen = Screen(Journal.at(home), seed)
    for _ in range(30):
        screen.act()
    screen.journal.store.close()
    text = read_journal(home)
    if text is None:
        assert not screen.journal.begun
        return
    assert text.tail == b""
    _same(text.replay.state, screen)
    again = Screen(Journal.at(home, text), seed + 1000)
    again.put(screen.state())
    again.past, again.future, again.stored = screen.past, screen.future, screen.stored
    for _ in range(15):
        again.act()
    again.journal.store.close()
    _same(read_journal(home).replay.state, again)


def _mask(*voxels):
    mask = np.zeros(IMAGES[0].order.work_shape, np.uint8)
    for voxel in voxels:
        mask[voxel] = 1
    return mask


def _paint(journal, before, after, tool="brush", **more):
    delta = between(before, after, IMAGES[0].order)
    slices = sorted(np.unique(np.nonzero(before != after)[0]).tolist()) if before is not None else ()
    return journal.note_mask(IMAGES[0], "cord", tool, delta, slices=slices, was=before is not None, **more)


def test_a_new_edit_after_undo_drops_the_redo_branch_but_the_file_keeps_it(home):
    journal = Journal.at(home)
    first, second, third = _mask((0, 0, 0)), _mask((1, 0, 0)), _mask((2, 0, 0))
    _paint(journal, None, first)
    _paint(journal, first, second)
    journal.undo()
    _paint(journal, first, third)
    assert journal.redo() is None
    text = read_journal(home)
    assert [line.kind for line in text.lines] == ["mask", "mask", "undo", "mask"]
    np.testing.assert_array_equal(text.replay.state.masks[IMAGES[0], "cord"], third)
    assert [step.number for step in text.replay.history.standing()] == [1, 4]


def test_the_deeds_tell_who_did_what_where(home):
    journal = Journal.at(home, author="Ada")
    _paint(journal, None, _mask((1, 2, 3)), "segmentation", automatic=Automatic(parameters={"method": "built in"}))
    _paint(journal, _mask((1, 2, 3)), _mask((1, 2, 3), (4, 0, 0)))
    journal.note_discs({}, {"C2-C3": [0, 0, 0]})
    journal.note_checked(IMAGES[0], (), (2,))
    deeds = provenance(read_journal(home).replay.history.standing())
    told = [(deed.author, deed.tool, deed.image, deed.structure, deed.slices, deed.automatic) for deed in deeds]
    assert told == [
        ("Ada", "segmentation", IMAGES[0].name, "cord", (), True),
        ("Ada", "brush", IMAGES[0].name, "cord", (4,), False),
        ("Ada", "discs", "", "", (), False),
        ("Ada", "check", IMAGES[0].name, "", (2,), False),
    ]
    assert all(deed.time.tzinfo is not None for deed in deeds)


def test_what_is_not_saved_is_counted_per_image(home):
    journal, star = Journal.at(home), IMAGES[1]
    _paint(journal, None, _mask((0, 0, 0)))
    journal.note_mask(star, "cord", "brush", between(None, None, star.order), slices=(), was=False)
    journal.note_saved({(IMAGES[0], "cord"): _mask((0, 0, 0))}, "")
    assert [step.image for step in journal.history.unsaved()] == [star]
    journal.undo()
    assert [step.number for step in journal.history.unsaved()] == []
    journal.undo()
    assert [step.number for step in read_journal(home).replay.history.unsaved()] == [1], "an undo is a change too"


def test_the_saved_digest_is_that_of_the_mask(home):
    journal = Journal.at(home)
    mask = _mask((0, 0, 0))
    _paint(journal, None, mask)
    journal.note_saved({(IMAGES[0], "cord"): mask, (IMAGES[0], "gm"): None}, "d")
    saved = read_journal(home).replay.saved
    assert saved == {(IMAGES[0], "cord"): mask_digest(mask), (IMAGES[0], "gm"): ""}


def test_automatic_masks_are_known_again(home):
    journal = Journal.at(home)
    drawn, painted = _mask((0, 0, 0)), _mask((0, 0, 0), (1, 1, 1))
    _paint(journal, None, drawn, "segmentation", automatic=Automatic(parameters={"a": 1}, flags=("leak",)))
    _paint(journal, drawn, painted)
    found = [(how, mask.copy()) for how, mask in automatic_masks(read_journal(home).lines, IMAGES[0], "cord")]
    ((how, mask),) = found
    np.testing.assert_array_equal(mask, drawn)
    assert (how.parameters, how.flags, how.slices) == ({"a": 1}, ("leak",), None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "c" * 64}, "is not the file on which the edits were made"),
        ({"shape": (5, 6, 8)}, "has 5 x 6 x 8 voxels, but the edits were made on 5 x 6 x 7"),
        ({"affine": "1" * 16}, "lies elsewhere in space"),
    ],
)
def test_a_journal_of_another_image_or_grid_is_refused_with_the_reason(home, change, words):
    journal = Journal.at(home)
    _paint(journal, None, _mask((0, 0, 0)))
    known = read_journal(home).replay
    assert known.refusal(IMAGES[0]) == ""
    assert words in known.refusal(IMAGES[0].model_copy(update=change))
    assert known.refusal(IMAGES[1]) == "", "of an image of another name it says nothing"


def test_an_undo_of_what_was_not_done_is_no_journal(home):
    journal = Journal.at(home)
    _paint(journal, None, _mask((0, 0, 0)))
    journal.undo()
    lines = read_journal(home).lines
    with pytest.raises(InputError, match="damaged"):
        replay([*lines, lines[-1]])


def test_a_whole_mask_and_a_stroke_are_small(home):
    """A cord of 200 slices, 27 x 18 voxels of an ellipse in each that bends along; and a brush of 7 voxels."""
    ref = image(shape=(320, 320, 200), axes="LAS")
    z, y, x = np.ogrid[:200, :320, :320]
    mask = (((y - 160 - 20 * np.sin(z / 40)) / 9) ** 2 + ((x - 160 - z / 10) / 13.5) ** 2 <= 1).astype(np.uint8)
    journal = Journal.at(home)
    whole = between(None, mask, ref.order)
    journal.note_mask(ref, "cord", "segmentation", whole, slices=range(200), was=False)
    assert home.stat().st_size < 300_000
    before = home.stat().st_size
    painted = mask.copy()
    painted[100] |= (((y - 175) ** 2 + (x - 160) ** 2 <= 49).astype(np.uint8))[0]
    journal.note_mask(ref, "cord", "brush", between(mask, painted, ref.order), slices=(100,))
    assert home.stat().st_size - before < 2_000
    sagittal = image(shape=(200, 320, 320), axes="SAR")
    assert len(str(between(None, mask, sagittal.order).as_json())) < 300_000
