import inspect

import pytest

import zoo
from zoo.cards import card_of
from zoo.cards import info
from zoo.cards.reading import MODELS
from zoo.cards.reading import cards_in
from zoo.registry import builder_of

NAMES = zoo.list_models()
CARD = (MODELS / "poem.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_arguments_of_a_card_are_those_of_the_builder(name):
    parameters = inspect.signature(builder_of(name).__wrapped__).parameters
    assert zoo.model_info(name)["arguments"] == {
        key: parameter.default for key, parameter in parameters.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_card_lies_beside_the_builder(name):
    module = zoo.model_info(name)["module"]
    assert builder_of(name).__module__ == f"zoo.models.{module}"


def test_cards_are_read_in_the_order_of_names(tmp_path):
    (tmp_path / "a.toml").write_text(CARD, encoding="utf-8")
    other = CARD.replace("[poem_vae]", "[a_poem_vae]")
    (tmp_path / "b.toml").write_text(other, encoding="utf-8")
    found = cards_in(tmp_path)
    assert list(found) == ["a_poem_vae", "poem_vae"]
    assert [card.module for card in found.values()] == ["b", "a"]
    assert found["poem_vae"].title_zh == "诗词变分自编码器"


def test_two_models_of_one_name(tmp_path):
    for file in ("a.toml", "b.toml"):
        (tmp_path / file).write_text(CARD, encoding="utf-8")
    message = r"one name. Received: \[poem_vae\] in a.toml and b.toml"
    with pytest.raises(ValueError, match=message):
        cards_in(tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (CARD.replace("family", "kind"), r"a.toml, \[poem_vae\]: .*'kind'"),
        (CARD.replace('family = "poem"', ""), "missing.*'family'"),
    ],
)
def test_a_card_with_other_fields(changed, message, tmp_path):
    (tmp_path / "a.toml").write_text(changed, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        cards_in(tmp_path)


def test_what_a_card_cannot_tell_of_a_builder(tmp_path, monkeypatch):
    monkeypatch.setattr(info, "MODELS", tmp_path)
    card = card_of("poem_vae")
    for arguments in ("size", "size, other=1", "*, size", "size=SIZE"):
        (tmp_path / "poem.py").write_text(f"def poem_vae({arguments}): ...\n")
        with pytest.raises(ValueError):
            info.arguments_with_defaults(card)
    (tmp_path / "poem.py").write_text(
        "def poem_vae(size=(1, None), *, b=-.5): 0"
    )
    found = info.arguments_with_defaults(card)
    assert found == {"size": (1, None), "b": -0.5}
