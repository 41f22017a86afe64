import numpy as np
import pytest

from zoo import datasets
from zoo.datasets.couplet_task import FAKES
from zoo.datasets.couplet_task import shuffled
from zoo.datasets.couplet_task import swapped
from zoo.datasets.couplet_task import without_lines_of
from zoo.datasets.poems import split_poems


def random():
    return np.random.default_rng(0)


@pytest.mark.parametrize("fake", FAKES)
def test_half_of_each_split_is_real(fake):
    task = datasets.load_real_or_fake(fake=fake)
    texts = datasets.load_texts()
    for x, y, real in (
        (task.x_train, task.y_train, texts.x_train),
        (task.x_test, task.y_test, texts.x_test),
    ):
        assert len(x) == len(y) and y.mean() == 0.5
        assert [text for text, label in zip(x, y) if label] == real
        assert not set(real) & {t for t, label in zip(x, y) if not label}
        assert {len(text) for text in x} == {10}


@pytest.mark.parametrize("fake", FAKES)
def test_the_seed_fixes_the_task(fake):
    one, same, other = (
        datasets.load_real_or_fake(fake=fake, seed=seed).x_train
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_swapped_lines_come_from_other_poems():
    for poems in split_poems("tang"):
        owner = {c[5:]: row for row, poem in enumerate(poems) for c in poem}
        real, fake = swapped(poems, random())
        rows = [row for row, poem in enumerate(poems) for _ in poem]
        for couplet, altered, row in zip(real, fake, rows, strict=True):
            assert altered[:5] == couplet[:5]
            assert owner[altered[5:]] != row
        assert sorted(c[5:] for c in real) == sorted(c[5:] for c in fake)


@pytest.mark.parametrize(
    "sizes", [(1, 1), (2, 1, 1), (3, 3), (3, 2, 2), (1,) * 7]
)
@pytest.mark.parametrize("seed", range(5))
def test_poems_of_all_sizes_swap(sizes, seed):
    letters = iter("日月山水风花雪夜春夏秋冬")
    poems = [[next(letters) * 2 for _ in range(size)] for size in sizes]
    owner = {c[0]: row for row, poem in enumerate(poems) for c in poem}
    _, fake = swapped(poems, np.random.default_rng(seed))
    assert all(owner[c[0]] != owner[c[1]] for c in fake)


def test_a_poem_of_more_than_half_cannot_swap():
    with pytest.raises(ValueError, match="2 poems with 3 couplets"):
        swapped([["日月", "山水"], ["风花"]], random())


def test_held_out_couplets_share_no_line_with_the_others():
    poems = [["日月山川", "东西"], ["山川日月"], ["天地玄黄"]]
    assert without_lines_of([["日月星辰"], ["春夏山川"]], poems) == [
        ["东西"],
        ["天地玄黄"],
    ]
    with pytest.raises(ValueError, match="lines of their own"):
        without_lines_of(poems, poems)


def test_shuffled_lines_keep_their_characters():
    real, fake = shuffled([["日月山水", "山水花花"], ["风花雪夜"]], random())
    # The second line of one has no other order.
    assert real == ["日月山水", "风花雪夜"]
    assert fake == ["日月水山", "风花夜雪"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fake": "mixed"}, "fake='mixed'"),
        ({"sentence_length": 5}, "sentence_length=5"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load_real_or_fake(**arguments)
