"""Commands that use a model: sample, evaluate, export."""

import json
import pathlib
from typing import Any

import click

from zoo import cards
from zoo.pretrained import manifest

WEIGHTS = "Tag of shipped weights.  [default: mnist, or tang]"


@click.command()
@click.argument("model")
@click.option(
    "--out",
    default="pictures",
    show_default=True,
    type=click.Path(path_type=pathlib.Path),
)
@click.option("--weights", help=WEIGHTS)
@click.option(
    "--data",
    help="Examples to draw; a classifier of your own draws nothing without.  "
    "[default: of a name, the embedded images]",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--count", type=int, default=10, show_default=True, help="Texts to print."
)
@click.option(
    "--temperature",
    type=float,
    default=0.0,
    show_default=True,
    help="Of the characters of texts; 0 takes the most probable ones.",
)
def sample(
    model: str,
    out: pathlib.Path,
    weights: str | None,
    data: str | None,
    seed: int,
    count: int,
    temperature: float,
) -> None:
    """Draw from MODEL: a name of the zoo, a run folder or a .keras file.

    A model of poems prints them.
    """
    opened, settings = _opened_with_settings(model, weights)

    from zoo.datasets import feeds
    from zoo.plots import gallery
    from zoo.plots import text_pages

    if texts := text_pages.written(opened, count, seed, temperature):
        for text in texts:
            click.echo(text)
        return
    images = labels = None
    if data is None and model in cards.list_models():
        data = cards.card_of(model).example_data
    if data is not None:
        arrays = feeds.load(opened, data)
        images, labels = arrays.x_test, arrays.y_test
    names = settings.get("class_names")
    for path in gallery.draw(
        opened, out, images, labels, seed=seed, class_names=names
    ):
        click.echo(path)


@click.command()
@click.argument("model")
@click.option(
    "--data",
    help="[default: that of the run, or tang or mnist, of which mnist_small is "
    "embedded and stands for it where it was not downloaded]",
)
@click.option("--weights", help=WEIGHTS)
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
@click.option("--images", type=int, metavar="N", help="Only the first N.")
@click.option(
    "--histogram",
    type=click.Path(path_type=pathlib.Path),
    help="Picture of the posterior deviations σ of a VAE to write.",
)
def evaluate(
    model: str,
    data: str | None,
    weights: str | None,
    binarize: bool,
    samples: int | None,
    images: int | None,
    histogram: pathlib.Path | None,
) -> None:
    """Figures of MODEL (a name, run folder or .keras file) on test data."""
    opened, settings = _opened_with_settings(model, weights)

    from zoo import datasets
    from zoo import evaluation
    from zoo import plots
    from zoo.datasets import feeds
    from zoo.evaluation import texts as text_evaluation

    if (samples or histogram) and not evaluation.has_latents(opened):
        raise ValueError(
            "--samples and --histogram are for VAEs. "
            f"Received: {opened.name} of type {type(opened).__name__}"
        )
    usual = "tang" if feeds.takes_text(opened) else "mnist"
    source = data or datasets.at_hand(settings.get("data", usual))
    if binarize is None:
        binarize = settings.get("binarize", False)
    if binarize and feeds.takes_text(opened):
        raise ValueError("--binarize is for images. Received: a model of texts")
    if images is not None and images < 1:
        raise ValueError(f"--images must be at least 1. Received: {images}")
    arrays = feeds.load(opened, source)
    x = feeds.test_images(arrays, binarize)[:images]
    labels = None if arrays.y_test is None else arrays.y_test[:images]
    figures = evaluation.evaluate(opened, x, labels, num_samples=samples)
    figures |= text_evaluation.figures_of_writing(opened, arrays.x_train)
    if histogram is not None:
        plots.posterior_deviations(opened, x).savefig(histogram)
    about = {"data": source}
    if not feeds.takes_text(opened):
        about["binarized"] = binarize
    click.echo(json.dumps({**about, **figures}, indent=2))


@click.command()
@click.argument("model")
@click.option("--out", required=True, type=click.Path(path_type=pathlib.Path))
@click.option(
    "--format",
    "kind",
    default="saved_model",
    show_default=True,
    type=click.Choice(["saved_model", "keras", "onnx"]),
)
@click.option("--weights", help=WEIGHTS)
def export(
    model: str, out: pathlib.Path, kind: str, weights: str | None
) -> None:
    """Write MODEL (a name, run folder or .keras file) for use elsewhere."""
    opened = _opened(model, weights)

    from zoo.export import export_onnx

    if kind == "onnx":
        paths = export_onnx(opened, out)
    else:
        if out.is_file():
            raise FileExistsError(f"{out} exists already")
        out.parent.mkdir(parents=True, exist_ok=True)
        write = opened.save if kind == "keras" else opened.export
        write(out)
        paths = [out]
    for path in paths:
        click.echo(path)


def _opened(model, weights):
    """The model of a zoo name, a run folder or a `.keras` file."""
    return _opened_with_settings(model, weights)[0]


def _opened_with_settings(
    model: str, weights: str | None
) -> tuple[Any, dict[str, Any]]:
    """The model, and of a name or run folder what it was trained with."""
    path = pathlib.Path(model)
    if model in cards.list_models() or not path.exists():
        return _created(cards.card_of(model), weights)
    if weights:
        raise ValueError(
            f"--weights goes with a name of the zoo. Received: {path}"
        )
    return _reopened(path)


def _created(card, weights):
    tag = weights or card.data
    tags = manifest.tags_of(card.name)
    if not tags and not weights:
        raise ValueError(
            f"{card.name} comes without weights: give a run folder or a .keras "
            "file of one that you trained"
        )
    from zoo.registry import create_model

    return create_model(card.name, weights=tag), tags.get(tag, {})


def _reopened(path):
    from zoo import runs
    from zoo.export import load_model

    settings = runs.config_of(path)
    if path.is_dir():
        if not (path / runs.MODEL).is_file():
            raise ValueError(
                "The model must be a name of the zoo, a run folder or a .keras "
                f"file. Received: {path}, a folder without {runs.MODEL}"
            )
        path = path / runs.MODEL
    return load_model(path), settings
