"""The settings of a run: what decides what it computes."""

import dataclasses
import reprlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from zoo.cards import card_of
from zoo.image_changes import changes_of
from zoo.nearest import check_arguments
from zoo.options import Option
from zoo.options import defaults_of
from zoo.options import option
from zoo.options import options_of
from zoo.pretrained.manifest import made_for
from zoo.run_options import RunOptions

# What needs all data at hand, by the options that ask for it.
IN_MEMORY = {
    "Streamed images move by `augment` (--augment shift=0.1); by pixels they "
    "are shifted": ("shift",),
    "Images are binarised": ("binarize",),
    "A mixture starts from data": ("mixture_start",),
    "A prior over codes is fitted": ("prior_epochs",),
    "The best epoch is chosen on data": ("patience", "best"),
}
PRIOR_ARGUMENTS = ("num_layers", "width", "num_heads", "learning_rate")


@dataclasses.dataclass(frozen=True)
class Settings(RunOptions):
    """All that decides what a run computes, as `config.json` holds it.

    To what is asked for come what is found in the data and what the run
    records. `of` fills in what the model's card decides.

    Raises:
        ValueError: If a value is out of range, or two exclude each other.
        TypeError: If an integer is none.
    """

    class_names: Sequence[str] | None = option(
        list, None, "Names of the classes, in the order of their labels."
    )
    image_shape: Sequence[int] | None = option(
        list, None, "Shape of the images, before a model takes them flat."
    )
    columns: Mapping[str, str | list[str]] | None = option(
        dict, None, "What the columns of a table are, by their names."
    )
    num_examples: int | None = option(
        int, None, "Examples to train on; None of a stream.", fixed=False
    )
    rate_changes: Mapping[str, float] = option(
        dict,
        {},
        "Learning rates that the run went on with, by the epochs done before.",
        fixed=False,
    )
    version: str = option(
        str, "", "Of the package that wrote this.", fixed=False
    )

    def __post_init__(self):
        for name, one in OPTIONS.items():
            value = getattr(self, name)
            if value is not None or DEFAULTS.get(name, "") is not None:
                object.__setattr__(self, name, one.checked(name, value))
        self._check_arguments()
        check_warm_up(vars(self))
        check_prior(vars(self))
        self._check_optimizer()
        if self.augment is not None:
            changes_of(self.augment)
        if self.streaming:
            check_streaming(vars(self))
        steps = self.steps_per_execution or 1
        if self.keras_backend == "torch" and steps > 1:
            raise ValueError(
                "`steps_per_execution` must be 1 on PyTorch. "
                f"Received: steps_per_execution={steps}"
            )

    @property
    def keeps_best(self) -> bool:
        """Whether the run ends with the best epoch, not with the last."""
        return self.best or self.patience > 0

    def _check_arguments(self):
        reserved = {"seed", "compile"} & set(self.arguments)
        if reserved:
            raise ValueError(
                "A run has a `seed` of its own (--seed) and compiles its "
                f"model. Received: arguments {sorted(reserved)}"
            )
        for name in ("weights", "freeze", "learning_rate"):
            if getattr(self, name) and name in self.arguments:
                raise ValueError(
                    f"`{name}` must be given once. Received: {name}="
                    f"{getattr(self, name)!r} and an argument of the builder, "
                    f"{self.arguments[name]!r}"
                )

    def _check_optimizer(self):
        optimizer = self.arguments.get("optimizer")
        if not isinstance(optimizer, dict):
            return
        rate = optimizer.get("config", {}).get("learning_rate")
        if isinstance(rate, dict) and (self.learning_rate or self.decay):
            raise ValueError(
                "An optimizer with a schedule has a learning rate and a decay "
                f"of its own. Received: learning_rate={self.learning_rate}, "
                f"decay={self.decay} with optimizer={reprlib.repr(optimizer)}"
            )

    @classmethod
    def of(cls, model: str, **given: Any) -> "Settings":
        """The settings of a run of this model on this backend.

        What is not given, or `None`, comes from the model's card; the shape of
        the images, the classes or the vocabulary from the data.

        Raises:
            ValueError: As the class does.
            TypeError: If there is no such option.
        """
        import keras

        from keras_capsvae import __version__

        card = card_of(model)
        unknown = set(given) - set(ASKED_FOR)
        if unknown:
            raise TypeError(
                f"A run takes the options {list(ASKED_FOR)}. "
                f"Received: {sorted(unknown)}"
            )
        for name, one in OPTIONS.items():
            if one.of_card and given.get(name) is None:
                given[name] = getattr(card, one.of_card)
        given["arguments"] = given.get("arguments") or {}
        given["version"] = __version__
        asked = cls(model, keras.backend.backend(), **given)
        found = asked.found(asked.arguments)
        arguments = {**found.arguments, **asked.arguments}
        return dataclasses.replace(
            asked, **found._replace(arguments=arguments)._asdict()
        )

    def described(self) -> str:
        """The net that a run trains, by its data, in a line.

        As in "dense_vae for images of 40 × 56 × 3 (original_dim=6720), 3
        classes: cat, dog, owl".
        """
        from zoo.found import described

        return described(self.model, self)

    def found(self, arguments: Mapping[str, Any]) -> Any:
        """What the data say of the net and neither arguments nor weights do.

        The classes are those of the data whatever the weights are for.
        """
        from zoo.found import found_in_data
        from zoo.registry import builder_of

        weights = self.weights or arguments.get("weights")
        of_weights = made_for(self.model, weights)
        of_weights.pop("num_classes", None)
        builder = builder_of(self.model)
        return found_in_data(builder, self, {**of_weights, **arguments})


def check_warm_up(options: Mapping[str, Any]) -> None:
    """Raise where a warm-up of the divergence is asked for twice, or half.

    Raises:
        ValueError: If so.
    """
    epochs, steps = options["kl_warm_up"], options["kl_warm_up_steps"]
    if epochs and steps:
        raise ValueError(
            "`kl_warm_up` (--kl-warm-up) counts epochs and `kl_warm_up_steps` "
            "(--kl-warm-up-steps) steps: give one of them. Received: "
            f"{epochs} and {steps}"
        )
    shaped = [
        f"`{name}` (--{name.replace('_', '-')})"
        for name in ("kl_curve", "kl_cycles")
        if options[name] != DEFAULTS[name]
    ]
    if shaped and not (epochs or steps):
        raise ValueError(
            f"{' and '.join(shaped)} must go with `kl_warm_up` (--kl-warm-up) "
            "or `kl_warm_up_steps` (--kl-warm-up-steps), which raises the "
            "weight. Received: neither"
        )


def check_prior(options: Mapping[str, Any]) -> None:
    """Raise where a prior has arguments that it cannot take.

    Raises:
        ValueError: If none is fitted.
        TypeError: If it has no such argument.
    """
    check_arguments("fit_prior", options["prior_arguments"], PRIOR_ARGUMENTS)
    if options["prior_arguments"] and not options["prior_epochs"]:
        raise ValueError(
            "`prior_arguments` (--set-prior) must go with `prior_epochs` "
            "(--prior-epochs), which has the prior fitted. Received: "
            f"{options['prior_arguments']} without it"
        )


def check_streaming(options: Mapping[str, Any]) -> None:
    """Raise where one of these options needs all data in memory.

    Raises:
        ValueError: If so.
    """
    for what, names in IN_MEMORY.items():
        given = {name: options[name] for name in names}
        if any(given.values()):
            said = ", ".join(f"{key}={one}" for key, one in given.items())
            raise ValueError(
                f"{what} in memory. Received: {said} with streaming=True"
            )


OPTIONS: dict[str, Option] = options_of(Settings)
DEFAULTS: dict[str, Any] = defaults_of(Settings)
ASKED_FOR = {name: one for name, one in OPTIONS.items() if one.flag}
