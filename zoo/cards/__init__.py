"""What is known of every model before it is built; read without Keras."""

from zoo.cards.card import Card
from zoo.cards.info import check_arguments_of
from zoo.cards.info import model_info
from zoo.cards.reading import card_of
from zoo.cards.reading import list_models
from zoo.cards.searching import search

__all__ = [
    "Card",
    "card_of",
    "check_arguments_of",
    "list_models",
    "model_info",
    "search",
]
