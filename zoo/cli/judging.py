"""The command that judges a model: evaluate."""

import pathlib
from typing import Any

import click

from zoo import cards
from zoo.cli import writing
from zoo.cli.described import described
from zoo.cli.given import OF_DATA
from zoo.cli.given import FilePath
from zoo.cli.given import Text
from zoo.cli.given import options_of_run
from zoo.cli.opening import WEIGHTS
from zoo.cli.opening import opened
from zoo.cli.output import echo_json
from zoo.data_names import check_data


@click.command()
@click.argument("model")
@click.option(
    "--data",
    type=Text(),
    help="What to judge on.  [default: that of the run, or tang or mnist, of "
    "which mnist_small is embedded and stands for it where it was not "
    "downloaded]",
)
@click.option("--weights", type=Text(), help=WEIGHTS)
@options_of_run(*OF_DATA)
@click.option(
    "--binarize/--no-binarize",
    default=None,
    help="Test on black and white images.  [default: as the run]",
)
@click.option(
    "--samples",
    type=int,
    metavar="K",
    help="Also the log-likelihood of a VAE, with K samples of each image.",
)
@click.option(
    "--images",
    type=int,
    metavar="N",
    help="Judge on the first N examples alone.",
)
@click.option(
    "--histogram",
    type=FilePath(),
    metavar="FILE.png",
    help="Picture of the posterior deviations σ of a VAE to write.",
)
@click.option(
    "--confusion",
    type=FilePath(),
    metavar="FILE.png",
    help="Picture of the classes that a classifier takes for each other.",
)
@click.option("--overwrite", is_flag=True, help="Replace pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def evaluate(
    model: str,
    data: str | None,
    weights: str | None,
    binarize: bool | None,
    samples: int | None,
    images: int | None,
    histogram: pathlib.Path | None,
    confusion: pathlib.Path | None,
    overwrite: bool,
    as_json: bool,
    **of_data: Any,
) -> None:
    """Figures of MODEL on test data.

    MODEL: a name of the zoo, a run folder or a .keras file.

    Of a classifier also those of each class. Of the data that a run was trained
    on the held-out examples are taken; of other --data all, unless they have a
    test part themselves.
    """
    pictures = {"--histogram": histogram, "--confusion": confusion}
    for option, picture in pictures.items():
        if picture is not None:
            writing.check_free(picture, (".png",), overwrite, option)
    if images is not None and images < 1:
        raise ValueError(f"--images must be at least 1. Received: {images}")
    check_data(data)
    found = opened(model, weights)

    from zoo import evaluation
    from zoo import plots
    from zoo.datasets import feeds
    from zoo.datasets import whole
    from zoo.evaluation import classes
    from zoo.evaluation import texts as text_evaluation

    net, settings = found.model, found.settings
    classifies = classes.count_of(net) > 0
    _refuse_unsuited(found, classifies, samples or histogram, confusion)
    source = data or _usual_data(found)
    if binarize is None:
        binarize = bool(settings.get("binarize", False))
    if binarize and feeds.takes_text(net):
        raise ValueError("--binarize is for images. Received: a model of texts")
    arrays = feeds.load(net, source, found.reading(**of_data))
    is_foreign = data is not None and _is_foreign(data, settings)
    if is_foreign:
        arrays = whole.all_to_test(arrays)
    x = feeds.test_images(arrays, binarize)[:images]
    if arrays.y_test is None and feeds.takes_labels(net):
        raise ValueError(
            f"{source} has no labels, by which {net.name} is judged. `predict` "
            "and `encode` take data without"
        )
    labels = None if arrays.y_test is None else arrays.y_test[:images]
    figures = evaluation.evaluate(
        net, x, labels, num_samples=samples, verbose=0
    )
    figures |= text_evaluation.figures_of_writing(net, arrays.x_train)
    report = None
    if classifies and labels is not None:
        report = classes.class_report(net, x, labels, found.class_names)
    if histogram is not None:
        picture = plots.posterior_deviations(net, x)
        writing.write(histogram, picture.savefig)
    if confusion is not None:
        picture = plots.confusion(report.confusion, report.names)
        writing.write(confusion, picture.savefig)
    about = {"data": source, "examples": len(x), "held_out": not is_foreign}
    if not feeds.takes_text(net):
        about["binarized"] = binarize
    if as_json:
        by_class = report.as_dict() if report else {}
        everything = {**about, **figures, **by_class}
        echo_json(everything)
        return
    click.echo(described(net, about, figures, report))


def _refuse_unsuited(found, classifies, of_vae, of_classifier):
    from zoo import evaluation

    received = (
        f"Received: {found.model.name} of type {type(found.model).__name__}"
    )
    if of_vae and not evaluation.has_latents(found.model):
        raise ValueError(f"--samples and --histogram are for VAEs. {received}")
    if of_classifier and not classifies:
        raise ValueError(f"--confusion is for classifiers. {received}")


def _is_foreign(data, settings):
    """Whether a model was trained on none of the examples of some data."""
    from zoo.datasets.whole import has_test_part

    known = settings.get("data")
    is_own = known is not None and (
        pathlib.Path(data).resolve() == pathlib.Path(known).resolve()
    )
    return not is_own and not has_test_part(data)


def _usual_data(found):
    """The data of the training, or embedded ones where they are not at hand."""
    from zoo import datasets
    from zoo.datasets import feeds

    usual = "tang" if feeds.takes_text(found.model) else "mnist"
    source = datasets.at_hand(found.settings.get("data", usual))
    if found.shipped_as is None or source in (*datasets.NAMES, usual):
        return source
    if pathlib.Path(source).exists():
        return source
    embedded = cards.card_of(found.shipped_as).example_data
    click.echo(
        f"{source}, the corpus of these weights, is not shipped: figures are "
        f"those on {embedded}, which is embedded and mostly a part of it",
        err=True,
    )
    return embedded
