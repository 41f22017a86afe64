"""Turn a run into shipped weights: `python -m zoo.runs.ship RUN TAG`."""

import inspect
import json
import pathlib
import shlex

import click

from zoo import evaluation
from zoo import runs
from zoo.datasets import feeds
from zoo.export import load_model
from zoo.pretrained import vocabularies
from zoo.pretrained import weights
from zoo.registry import arguments_of
from zoo.registry import builder_of

# Arguments that say nothing of the net that the weights are for.
NOT_RECORDED = (
    "free_bits",
    "gradient",
    "kl_weight",
    "name",
    "num_samples",
    "rematerialize",
)
LICENCES = {
    "tang": "weights Apache-2.0; classical Chinese poems, public domain",
    "mnist": "weights Apache-2.0; data set MNIST, Y. LeCun and C. Cortes, "
    "CC BY-SA 3.0",
}


@click.command()
@click.argument("run", type=click.Path(exists=True, path_type=pathlib.Path))
@click.argument("tag")
def main(run, tag):
    """Write the weights of a finished RUN into the package under a TAG."""
    config = runs.config_of(run)
    name = config["model"]
    trained = load_model(run / runs.MODEL)
    builder = builder_of(name)
    arguments = architecture(builder, config["arguments"])
    if name in vocabularies.WITH_DEFAULT:
        vocabularies.ship(name, arguments["vocabulary"])
        arguments["vocabulary"] = None
    arguments = {
        key: value
        for key, value in arguments.items()
        if key not in NOT_RECORDED
    }
    # A compiled model's weights file would hold the optimizer's slots too.
    bare = builder(**arguments, compile=False, seed=config["seed"])
    bare.set_weights(trained.get_weights())
    path = weights.FOLDER / f"{name}-{tag}.weights.h5"
    bare.save_weights(path)

    # The figures are those of the model that the tag alone gives.
    trained = builder(**arguments, weights=path, seed=config["seed"])
    arrays = feeds.load(trained, config["data"])
    images = feeds.test_images(arrays, config.get("binarize", False))
    figures = evaluation.evaluate(trained, images, arrays.y_test)
    epochs = len((run / runs.HISTORY).read_text().splitlines()) - 1
    entries = weights.manifest()
    entries.setdefault(name, {})[tag] = {
        "file": path.name,
        "sha256": weights.sha256(path),
        "arguments": arguments,
        "data": config["data"],
        "binarize": config.get("binarize", False),
        "command": _command(config, epochs),
        "metrics": {
            f"test_{key}": round(value, 4) for key, value in figures.items()
        },
        "licence": LICENCES.get(tag, "Apache-2.0"),
    }
    text = json.dumps(entries, indent=2, sort_keys=True, ensure_ascii=False)
    path = weights.FOLDER / "manifest.json"
    path.write_text(text + "\n", encoding="utf-8")
    click.echo(json.dumps(entries[name][tag], indent=2, ensure_ascii=False))


def architecture(builder, given):
    """The arguments of the model itself, those of its training left out."""
    own = inspect.signature(builder.__wrapped__).parameters
    begun_with = weights.made_for(builder.__name__, given.get("weights"))
    given = {key: value for key, value in given.items() if key in own}
    return arguments_of(builder.__wrapped__, begun_with | given)


def _command(config, epochs):
    settings = "".join(
        f" --set {shlex.quote(_setting(key, value))}"
        for key, value in config["arguments"].items()
        if key != "vocabulary"  # which is that of the data
    )
    if config["batch_size"] != builder_of(config["model"]).card.batch_size:
        settings += f" --batch-size {config['batch_size']}"
    if config["streaming"]:
        settings += " --stream"
    if config["shift"]:
        settings += f" --shift {config['shift']}"
    if config.get("kl_warm_up"):
        settings += f" --kl-warm-up {config['kl_warm_up']}"
    if config.get("margin_epochs"):
        settings += f" --margin-epochs {config['margin_epochs']}"
    if config.get("binarize"):
        settings += " --binarize"
    return (
        f"python -m zoo train {config['model']} --data {config['data']} "
        f"--epochs {epochs} --seed {config['seed']}{settings}"
    )


def _setting(key, value):
    return f"{key}={json.dumps(value, separators=(',', ':'))}"


if __name__ == "__main__":
    main()
