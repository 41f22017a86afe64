"""The settings of a run: what decides what it computes.

They are declared without Keras, which the command line has not loaded yet when
it explains them.
"""

import dataclasses
import reprlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

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
        "an .npz file or a folder; for a model of texts tang, a file of poems "
        "or lines, or a table of texts with labels.",
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
    mixture_start: int = option(
        int,
        0,
        "Start the clusters of a mixture from the data after so many epochs.",
        flag="--mixture-start",
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
    resize: str | None = option(
        tuple,
        None,
        "Resize images to so many pixels, or to height × width.",
        flag="--resize",
        usual="their own size",
        metavar="SIDE|HEIGHTxWIDTH",
    )
    grey: bool = option(
        bool, False, "Turn coloured images grey.", flag="--grey"
    )
    skip_broken: bool = option(
        bool,
        False,
        "Leave out images that cannot be decoded, and rows of a table without "
        "a text or label, with a line that counts and names them.",
        flag="--skip-broken",
    )
    text_column: str | None = option(
        str,
        None,
        "Column of the texts of a table, .csv, .tsv or .jsonl.",
        flag="--text-column",
        usual="one of a usual name, as text",
        metavar="NAME",
    )
    label_column: str | None = option(
        str,
        None,
        "Column of their labels.",
        flag="--label-column",
        usual="one of a usual name, as label",
        metavar="NAME",
    )
    text_length: int | None = option(
        int,
        None,
        "Characters of a text that a classifier reads; the rest is cut.",
        flag="--text-length",
        usual="400",
        least=1,
    )
    encoding: str | None = option(
        str, None, "Encoding of texts.", flag="--encoding", usual="detected"
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
    patience: int = option(
        int,
        0,
        "Stop when the loss on a tenth of the training data, held out for "
        "this, has not fallen for so many epochs; model.keras then holds the "
        "best epoch.",
        flag="--patience",
        metavar="EPOCHS",
        fixed=False,
    )
    best: bool = option(
        bool,
        False,
        "Keep the best epoch, as with --patience, but train to the end.",
        flag="--best",
        fixed=False,
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
    image_shape: Sequence[int] | None = option(
        list, None, "Shape of the images, before a model takes them flat."
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
        if (self.shift or self.binarize) and self.streaming:
            raise ValueError(
                "Images are shifted and binarised in memory. Received: shift="
                f"{self.shift}, binarize={self.binarize} with streaming=True"
            )
        if self.mixture_start and self.streaming:
            raise ValueError(
                "A mixture starts from data in memory. Received: mixture_start="
                f"{self.mixture_start} with streaming=True"
            )
        if self.keeps_best and self.streaming:
            raise ValueError(
                "The best epoch is chosen on data in memory. Received: "
                f"patience={self.patience}, best={self.best}, streaming=True"
            )
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

        What is not given, or `None`, comes from the model's card; the shape of
        the images, the classes or the vocabulary from the data.

        Raises:
            ValueError: as the class does.
            TypeError: where there is no such option.
        """
        import keras

        from keras_capsvae import __version__
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
        given["version"] = __version__
        asked = cls(model, keras.backend.backend(), **given)
        found = asked.found(asked.arguments)
        return dataclasses.replace(
            asked,
            **found._replace(
                arguments={**found.arguments, **asked.arguments}
            )._asdict(),
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
        return found_in_data(builder, self, of_weights | arguments)


OPTIONS: dict[str, Option] = options_of(Settings)
DEFAULTS: dict[str, Any] = defaults_of(Settings)
ASKED_FOR = {name: one for name, one in OPTIONS.items() if one.flag}
