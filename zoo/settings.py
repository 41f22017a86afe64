"""The settings of a run: what decides what it computes.

They are declared without Keras, which the command line has not loaded yet when
it explains them.
"""

import dataclasses
import inspect
import os
import reprlib
import shlex
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from zoo.cards import card_of
from zoo.options import Option
from zoo.options import defaults_of
from zoo.options import option
from zoo.options import options_of
from zoo.pretrained.manifest import made_for


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that decides what a run computes, as `config.json` holds it.

    Each field declares an option: from here come the options of the command
    line with their help, the arguments of `train`, the check of a resumed run
    and the recorded command. `of` fills in what the model's card decides.

    Raises:
        ValueError: where a value is out of range, or two exclude each other.
        TypeError: where an integer is none.
    """

    model: str = option(str, dataclasses.MISSING, "Name of the zoo.")
    keras_backend: str = option(str, dataclasses.MISSING, "Keras' backend.")
    data: str = option(
        str,
        None,
        "mnist_small, digits, mnist, fashion_mnist, kmnist, binarized_mnist, "
        "an .npz file or a folder; for a model of texts tang or a file of "
        "poems.",
        flag="--data",
        usual="mnist_small, or tang",
        of_card="example_data",
        always_said=True,
    )
    epochs: int = option(
        int,
        None,
        "Epochs in all.",
        flag="--epochs",
        usual="the original's",
        of_card="epochs",
        least=1,
        fixed=False,
        always_said=True,
    )
    batch_size: int = option(
        int,
        None,
        "Examples in a batch.",
        flag="--batch-size",
        usual="the original's",
        of_card="batch_size",
        least=1,
    )
    seed: int = option(
        int,
        0,
        "Fixes initial weights, noise and order.",
        flag="--seed",
        always_said=True,
    )
    learning_rate: float | None = option(
        float,
        None,
        "Learning rate, with --decay the highest.",
        flag="--learning-rate",
        usual="the original's",
    )
    decay: str | None = option(
        str,
        None,
        "Let the learning rate fall to a hundredth, in half a cosine over all "
        "epochs, whose number then is fixed.",
        flag="--decay",
        choices=("cosine",),
    )
    kl_warm_up: int = option(
        int,
        0,
        "Raise the weight of a VAE's KL divergence over so many epochs.",
        flag="--kl-warm-up",
        metavar="EPOCHS",
    )
    margin_epochs: int = option(
        int,
        0,
        "Raise the margin of a spread loss over so many epochs.",
        flag="--margin-epochs",
        metavar="EPOCHS",
    )
    shift: int = option(
        int,
        0,
        "Move each image at random by up to so many pixels.",
        flag="--shift",
        metavar="PIXELS",
    )
    binarize: bool = option(
        bool,
        False,
        "Draw black and white images anew for each epoch, and once for the "
        "test.",
        flag="--binarize",
    )
    streaming: bool = option(
        bool,
        False,
        "Read the data from disk batch by batch.",
        flag="--stream",
    )
    steps_per_execution: int | None = option(
        int,
        None,
        "Training steps in one call of the compiled step; weights and history "
        "do not depend on it.",
        flag="--steps-per-execution",
        usual="measured in a long run so that a call takes a tenth of a "
        "second; 1 in a short one and on PyTorch",
        least=1,
        fixed=False,
    )
    weights: str | None = option(
        str,
        None,
        "Begin with weights, a tag of shipped ones or a file of your own. A "
        "classifier may have other classes; its class layer then begins anew.",
        flag="--weights",
        usual="random ones",
        metavar="TAG|FILE",
    )
    freeze: str | None = option(
        str,
        None,
        "Do not train these parts, with commas between them: features, a "
        "classifier but for its class layer, or encoder, latent, decoder.",
        flag="--freeze",
        usual="everything is trained",
        metavar="PARTS",
    )
    arguments: Mapping[str, Any] = option(
        dict,
        {},
        "Argument of the builder, e.g. latent_dim=8.",
        flag="--set",
        metavar="ARGUMENT=VALUE",
    )
    class_names: Sequence[str] | None = option(
        list, None, "Names of the classes, in the order of their labels."
    )

    def __post_init__(self):
        for name, one in OPTIONS.items():
            value = getattr(self, name)
            if value is not None or DEFAULTS.get(name, "") is not None:
                object.__setattr__(self, name, one.checked(name, value))
        self._check_arguments()
        if (self.shift or self.binarize) and self.streaming:
            raise ValueError(
                "Images are shifted and binarised in memory. Received: shift="
                f"{self.shift}, binarize={self.binarize} with streaming=True"
            )
        steps = self.steps_per_execution or 1
        if self.keras_backend == "torch" and steps > 1:
            raise ValueError(
                "`steps_per_execution` must be 1 on PyTorch. "
                f"Received: steps_per_execution={steps}"
            )

    def _check_arguments(self):
        reserved = {"seed", "compile"} & set(self.arguments)
        if reserved:
            raise ValueError(
                "A run has a `seed` of its own (--seed) and compiles its "
                f"model. Received: arguments {sorted(reserved)}"
            )
        for name in ("weights", "freeze"):
            if getattr(self, name) and name in self.arguments:
                raise ValueError(
                    f"`{name}` must be given once. Received: {name}="
                    f"{getattr(self, name)!r} and an argument of the builder, "
                    f"{self.arguments[name]!r}"
                )
        if self.learning_rate and "learning_rate" in self.arguments:
            raise ValueError(
                "`learning_rate` must be given once. Received: learning_rate="
                f"{self.learning_rate} and an argument of the builder, "
                f"{self.arguments['learning_rate']!r}"
            )
        optimizer = self.arguments.get("optimizer")
        if isinstance(optimizer, dict):
            rate = optimizer.get("config", {}).get("learning_rate")
            if isinstance(rate, dict) and (self.learning_rate or self.decay):
                raise ValueError(
                    "An optimizer with a schedule has a learning rate and a "
                    "decay of its own. Received: learning_rate="
                    f"{self.learning_rate}, decay={self.decay} with optimizer="
                    f"{reprlib.repr(optimizer)}"
                )

    @classmethod
    def of(cls, model: str, **given: Any) -> "Settings":
        """The settings of a run of this model on this backend.

        What is not given, or `None`, comes from the model's card; the number of
        classes or the vocabulary from the data.

        Raises:
            ValueError: as the class does.
            TypeError: where there is no such option.
        """
        import keras

        from zoo.registry import builder_of

        builder = builder_of(model)
        unknown = set(given) - set(ASKED_FOR)
        if unknown:
            raise TypeError(
                f"A run takes the options {list(ASKED_FOR)}. "
                f"Received: {sorted(unknown)}"
            )
        for name, one in OPTIONS.items():
            if one.of_card and given.get(name) is None:
                given[name] = getattr(builder.card, one.of_card)
        given["arguments"] = given.get("arguments") or {}
        asked = cls(model, keras.backend.backend(), **given)
        found = asked._found(asked.arguments)
        arguments = {**found, **asked.arguments}
        names = class_names_of(builder, asked.data)
        # Classes that the data has no name for are called by their numbers.
        count = arguments.get("num_classes") or 0
        if names is not None and isinstance(count, int):
            names += map(str, range(len(names), count))
        return dataclasses.replace(
            asked, arguments=arguments, class_names=names
        )

    def differences(self, other: "Settings") -> list[str]:
        """What a run begun with `other` settings cannot go on with.

        The number of epochs is fixed where the learning rate depends on it.
        """
        fixed = [name for name, one in OPTIONS.items() if one.fixed]
        if self.decay:
            fixed.append("epochs")
        if other.class_names is None:  # begun by 0.2, which kept no names
            fixed.remove("class_names")
        return [
            f"{name}={reprlib.repr(getattr(self, name))} instead of "
            f"{reprlib.repr(getattr(other, name))}"
            for name in fixed
            if getattr(self, name) != getattr(other, name)
        ]

    def command(self) -> str:
        """The shell command that makes a run with these settings."""
        words = ["python", "-m", "zoo", "train", self.model]
        card = card_of(self.model)
        said = dataclasses.replace(self, arguments=self._arguments_to_say())
        for name, one in ASKED_FOR.items():
            value = getattr(said, name)
            usual = getattr(card, one.of_card or "", DEFAULTS[name])
            if value is not None and (one.always_said or value != usual):
                words += one.words(value)
        command = shlex.join(words)
        if self.keras_backend == "tensorflow":
            return command
        return f"KERAS_BACKEND={self.keras_backend} {command}"

    def _found(self, arguments):
        """What the data say of the net and neither arguments nor weights do.

        The classes are those of the data whatever the weights are for.
        """
        from zoo.registry import builder_of

        of_weights = made_for(self.model, self.weights)
        of_weights.pop("num_classes", None)
        builder = builder_of(self.model)
        return found_in_data(builder, self.data, of_weights | arguments)

    def _arguments_to_say(self):
        """All but those that the data gives without being told."""
        said = {
            key: value
            for key, value in self.arguments.items()
            if key not in OF_DATA
        }
        found = self._found(said)
        return {
            key: value
            for key, value in self.arguments.items()
            if key not in found or found[key] != value
        }


OPTIONS: dict[str, Option] = options_of(Settings)
DEFAULTS: dict[str, Any] = defaults_of(Settings)
ASKED_FOR = {name: one for name, one in OPTIONS.items() if one.flag}
OF_DATA = ("num_classes", "vocabulary")  # arguments that data can give


def found_in_data(
    builder: Any, data: str | os.PathLike, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """The classes or characters of the data, where the builder asks for them.

    `arguments` are those given; of them nothing is looked for.
    """
    from zoo import datasets
    from zoo.pretrained.vocabularies import corpus_characters

    parameters = inspect.signature(builder).parameters
    if "vocabulary" in parameters:
        if "vocabulary" in arguments:
            return {}
        length = parameters.get("sentence_length")
        length = length and arguments.get("sentence_length", length.default)
        return {"vocabulary": corpus_characters(data, length or 10)}
    if "num_classes" in parameters and "num_classes" not in arguments:
        count = datasets.num_classes(data)
        return {} if count is None else {"num_classes": count}
    return {}


def class_names_of(builder: Any, data: str | os.PathLike) -> list[str] | None:
    """Names of the classes of the data that a builder's model is fed."""
    from zoo import datasets

    if "vocabulary" in inspect.signature(builder).parameters:
        return None
    return datasets.class_names(data)
