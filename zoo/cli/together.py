"""Options of `train` that go together or not, told before Keras is loaded."""

from collections.abc import Mapping
from typing import Any

from zoo.cards import Card
from zoo.cards.info import arguments_with_defaults
from zoo.data_names import TABLES
from zoo.data_names import TEXTS
from zoo.settings import check_prior
from zoo.settings import check_streaming
from zoo.settings import check_warm_up


def check_together(card: Card, options: Mapping[str, Any]) -> None:
    """Raise where options exclude each other or lack one that they go with.

    Raises:
        ValueError: If so, or if the model is none that an option is for.
        TypeError: If the prior has no such argument.
    """
    _check_images(card, options)
    if options["streaming"]:
        check_streaming(options)
    if options["resume"]:
        return  # the run may have the other one
    check_prior(options)
    check_warm_up(options)
    _check_capacity(card, options)


def _check_images(card, options):
    if options["augment"] and card.data in (*TEXTS, *TABLES):
        raise ValueError(
            "--augment must be of a model of images. Received: "
            f"{card.name}, which takes {card.inputs}"
        )


def _check_capacity(card, options):
    if not options["capacity_warm_up"]:
        return
    if "capacity" not in arguments_with_defaults(card):
        raise ValueError(
            "--capacity-warm-up is for VAEs with Gaussian latents. "
            f"Received: {card.name}"
        )
    if options["arguments"].get("capacity") is None:
        raise ValueError(
            "--capacity-warm-up raises a capacity that the model is built "
            "with: add --set capacity=25, in nats. Received: none"
        )
