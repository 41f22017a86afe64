"""The options of a run: all that can be asked of it.

They are declared without Keras, which the command line has not loaded yet when
it explains them.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from zoo.options import option


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What a run is asked for, in the order in which help tells of it.

    Each field declares an option: from here come the options of the command
    line with their help, the arguments of `train`, the check of a resumed run
    and the recorded command.
    """

    model: str = option(str, dataclasses.MISSING, "Name of the zoo.")
    keras_backend: str = option(str, dataclasses.MISSING, "Keras' backend.")
    data: str = option(
        str,
        None,
        "mnist_small, digits, mnist, fashion_mnist, kmnist, binarized_mnist, "
        "an .npz or .npy file or a folder; for a model of texts tang, a file "
        "of poems or lines, or a table of texts with labels; for a model of "
        "tables breast_cancer, a .csv or a .tsv of numbers.",
        flag="--data",
        usual="mnist_small, tang or breast_cancer",
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
    kl_warm_up_steps: int = option(
        int,
        0,
        "Raise it over so many steps instead, before each of them.",
        flag="--kl-warm-up-steps",
        metavar="STEPS",
    )
    kl_curve: str = option(
        str,
        "linear",
        "How it is raised; a sigmoid is slow at both ends.",
        flag="--kl-curve",
        choices=("linear", "sigmoid"),
    )
    kl_cycles: int = option(
        int,
        1,
        "How often it is raised, each time from 0 and followed by as long at "
        "its full value.",
        flag="--kl-cycles",
        least=1,
    )
    capacity_warm_up: int = option(
        int,
        0,
        "Raise the capacity of a VAE built with one, --set capacity=25, over "
        "so many epochs.",
        flag="--capacity-warm-up",
        metavar="EPOCHS",
    )
    mixture_start: int = option(
        int,
        0,
        "Start the clusters of a mixture from the data after so many epochs.",
        flag="--mixture-start",
        metavar="EPOCHS",
    )
    temperature_rate: float | None = option(
        float,
        None,
        "Share of the temperature of Gumbel-softmax latents, as far as it lies "
        "above 0.01, that a training step leaves; 1 keeps it.",
        flag="--temperature-rate",
        usual="the original's, 0.999",
    )
    prior_epochs: int = option(
        int,
        0,
        "Then fit the prior over the codes of a model of codes, from which "
        "samples are drawn, for so many epochs.",
        flag="--prior-epochs",
        metavar="EPOCHS",
        fixed=False,
    )
    prior_arguments: Mapping[str, Any] = option(
        dict,
        {},
        "Argument of that prior, num_layers, width, num_heads or "
        "learning_rate, e.g. width=256.",
        flag="--set-prior",
        metavar="ARGUMENT=VALUE",
        fixed=False,
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
    augment: str | None = option(
        str,
        None,
        "Change training images at random in each epoch, as rotation=0.1,"
        "shift=0.1,flip=horizontal; also zoom, squeeze, erase, brightness, "
        "contrast and fill=constant, see datasets.Augmentation.",
        flag="--augment",
        usual="images as they are",
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
        "Column of their labels; of a table of numbers that of its labels, "
        "which are not learned.",
        flag="--label-column",
        usual="of texts one of a usual name, as label; of numbers none",
        metavar="NAME",
    )
    category_columns: str | None = option(
        str,
        None,
        "Columns of a table of numbers to take as categories, with commas "
        "between them.",
        flag="--category-columns",
        usual="none, all are numbers",
        metavar="NAMES",
    )
    ignore_columns: str | None = option(
        str,
        None,
        "Columns of a table of numbers to leave out, with commas between them.",
        flag="--ignore-columns",
        usual="none",
        metavar="NAMES",
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
        "Keep the best epoch, as with --patience, but train to the end. "
        "Epochs in which a warm-up or a margin still changes the loss do not "
        "count.",
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
