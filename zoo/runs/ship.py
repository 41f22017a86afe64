"""Turn a run into shipped weights: `python -m zoo.runs.ship RUN TAG`."""

import dataclasses
import inspect
import json
import math
import pathlib
from collections.abc import Mapping
from typing import Any

import click
import keras

from keras_capsvae import Classifier
from keras_capsvae.models.prior_model import PriorModel
from keras_capsvae.typing import Tensor
from zoo import evaluation
from zoo.datasets import feeds
from zoo.datasets.reading import Reading
from zoo.export import load_model
from zoo.pretrained import manifest
from zoo.pretrained import vocabularies
from zoo.pretrained import weights
from zoo.pretrained.halving import halve
from zoo.registry import arguments_of
from zoo.registry import builder_of
from zoo.runs.commands import command_of
from zoo.runs.folder import RunFolder

LICENCES = {
    "tang": "weights Apache-2.0; classical Chinese poems, public domain",
    "mnist": "weights Apache-2.0; data set MNIST, Y. LeCun and C. Cortes, "
    "CC BY-SA 3.0",
}

CLOSE = {"abs_tol": 0.01, "rel_tol": 1e-4}  # nats of an example


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=pathlib.Path))
@click.argument("tag")
@click.option(
    "--half",
    is_flag=True,
    help="Store the weights as float16, if a classifier then predicts the "
    "same, the loss of any other model within 0.01 or 0.01 % of it.",
)
def main(run: pathlib.Path, tag: str, half: bool) -> None:
    """Write the weights of a finished RUN into the package under a TAG."""
    folder = RunFolder(run)
    settings = folder.settings()
    epochs = folder.epochs()
    if settings.decay and epochs < settings.epochs:
        raise click.ClickException(
            f"The run must end first, as its learning rate does: {epochs} of "
            f"{settings.epochs} epochs are done"
        )
    name = settings.model
    trained = load_model(folder.model)
    builder = builder_of(name)
    begun = {"weights": settings.weights} if settings.weights else {}
    arguments = architecture(builder, {**settings.arguments, **begun})
    if name in vocabularies.WITH_DEFAULT:
        vocabularies.ship(name, arguments["vocabulary"])
        arguments["vocabulary"] = None
    arguments = {
        key: value
        for key, value in arguments.items()
        if key not in manifest.OF_TRAINING
    }
    bare = builder(**arguments, seed=settings.seed)
    # The file holds what the loss has learned, but no slots of an optimizer.
    # XLA draws other random numbers.
    bare.compile("sgd", bare.loss, jit_compile=bare.jit_compile)
    bare.set_weights(trained.get_weights())
    if isinstance(bare, PriorModel):
        bare.fitted_prior = trained.fitted_prior
    path = manifest.FOLDER / f"{name}-{tag}.weights.h5"
    bare.save_weights(path)
    if half:
        halve(path)

    # The figures are those of the model that the tag alone gives.
    trained = builder(**arguments, weights=path, seed=settings.seed)
    arrays = feeds.load(trained, settings.data, Reading.of(settings))
    images = feeds.test_images(arrays, settings.binarize)
    figures = evaluation.evaluate(trained, images, arrays.y_test)
    if half and isinstance(trained, Classifier):
        check_predictions(bare, trained, images)
    elif half:
        before = evaluation.evaluate(bare, images, arrays.y_test)
        check_loss(before["loss"], figures["loss"])
    entries = manifest.entries()
    entries.setdefault(name, {})[tag] = {
        "file": path.name,
        "sha256": weights.sha256(path),
        "arguments": arguments,
        "data": settings.data,
        "binarize": settings.binarize,
        "command": command_of(dataclasses.replace(settings, epochs=epochs)),
        "metrics": {
            f"test_{key}": round(value, 4) for key, value in figures.items()
        },
        "licence": LICENCES.get(tag.partition("-")[0], "Apache-2.0"),
    }
    text = json.dumps(entries, indent=2, sort_keys=True, ensure_ascii=False)
    path = manifest.FOLDER / "manifest.json"
    path.write_text(text + "\n", encoding="utf-8")
    click.echo(json.dumps(entries[name][tag], indent=2, ensure_ascii=False))


def check_predictions(
    model: keras.Model, halved: keras.Model, images: Tensor
) -> None:
    """Raise if a classifier predicts another class than before."""
    before, after = (
        one.predict(images, verbose=0).argmax(-1) for one in (model, halved)
    )
    others = int((before != after).sum())
    if others:
        raise click.ClickException(
            f"--half must not change what {model.name} predicts. Received: "
            f"another class for {others} of {len(images)} test examples"
        )


def check_loss(before: float, after: float) -> None:
    """Raise if a loss, of the same random numbers, is not what it was."""
    if not math.isclose(before, after, **CLOSE):
        raise click.ClickException(
            "--half must not change a loss by more than 0.01, or 0.01 % of it. "
            f"Received: {after:.4f} for {before:.4f}"
        )


def architecture(builder: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the model itself, those of its training left out."""
    own = inspect.signature(builder.__wrapped__).parameters
    begun_with = manifest.made_for(builder.__name__, given.get("weights"))
    given = {key: value for key, value in given.items() if key in own}
    return arguments_of(builder.__wrapped__, begun_with | given)


if __name__ == "__main__":
    main()
