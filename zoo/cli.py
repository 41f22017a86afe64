"""The command line: `python -m zoo`, or `keras-capsvae`."""

import json
import pathlib
import sys

import click

WEIGHTS = "Tag of shipped weights.  [default: mnist, or tang]"
ERRORS = (ValueError, TypeError, OSError, RuntimeError, ImportError)


class _Group(click.Group):
    """Prints what is wrong with the input in one line, not as a traceback."""

    def invoke(self, context):
        try:
            return super().invoke(context)
        except (click.exceptions.Exit, click.exceptions.Abort):
            raise
        except Exception as error:
            if isinstance(error, ERRORS) or _is_of_tensorflow(error):
                raise click.ClickException(str(error)) from error
            raise


def _is_of_tensorflow(error):
    """Whether TensorFlow raised it: files and streams fail with its errors."""
    return type(error).__module__.startswith("tensorflow.")


@click.group(cls=_Group, context_settings={"max_content_width": 88})
@click.version_option(package_name="keras-capsvae")
def main():
    """Capsule networks and variational autoencoders in Keras 3."""


@main.command("list")
@click.argument("pattern", default="*")
def list_models(pattern):
    """Models whose name matches a shell PATTERN."""
    import zoo

    names = zoo.list_models(pattern)
    if not sys.stdout.isatty():
        click.echo("\n".join(names))
        return
    width = max(map(len, names), default=0)
    for name in names:
        info = zoo.model_info(name)
        tags = ", ".join(info["weights"]) or "no shipped weights"
        click.echo(f"{name:{width}}  {info['title']} ({tags})")


@main.command()
@click.argument("query", nargs=-1, required=True)
def search(query):
    """Models that fit the words of QUERY, the best first."""
    import zoo

    hits = zoo.search(" ".join(query))
    if not hits:
        raise ValueError(
            f"Nothing fits {' '.join(query)!r}. `list` names all models."
        )
    width = max(len(hit.name) for hit in hits)
    for hit in hits:
        click.echo(f"{hit.name:{width}}  {hit.score:3}  {hit.title}")


@main.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name, as_json):
    """The card of a model."""
    import zoo

    info = zoo.model_info(name)
    if as_json:
        click.echo(json.dumps(info, indent=2, ensure_ascii=False))
        return
    click.secho(f"{info['title']} · {info['title_zh']}", bold=True)
    click.echo(f"\n{info['description']}\n\n{info['description_zh']}\n")
    rows = {
        "arguments": _as_call(name, info["arguments"]),
        "parameters": f"{info['parameters']:,}",
        "inputs": info["inputs"],
        "target": info["target"],
        "source": info["source"],
        "paper": info["paper"],
        "train": info["command"],
    }
    for key, value in rows.items():
        click.echo(f"{key:11} {value}")
    for tag, entry in info["weights"].items():
        metrics = ", ".join(f"{k} {v}" for k, v in entry["metrics"].items())
        click.echo(f"{'weights':11} {tag}: {metrics} ({entry['licence']})")


@main.command()
@click.argument("name")
@click.option(
    "--data",
    help="digits, mnist, fashion_mnist, kmnist, binarized_mnist, an .npz file "
    "or a folder; for a model of texts tang or a file of poems.  [default: "
    "digits, or tang]",
)
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Run folder.  [default: runs/NAME]",
)
@click.option(
    "--epochs", type=int, help="Epochs in all.  [default: the original's]"
)
@click.option("--batch-size", type=int, help="[default: the original's]")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="ARGUMENT=VALUE",
    help="Argument of the builder, e.g. latent_dim=8.",
)
@click.option(
    "--stream", is_flag=True, help="Read the data from disk batch by batch."
)
@click.option(
    "--shift",
    type=int,
    default=0,
    metavar="PIXELS",
    help="Move each image at random by up to so many pixels.",
)
@click.option(
    "--kl-warm-up",
    type=int,
    default=0,
    metavar="EPOCHS",
    help="Raise the weight of a VAE's KL divergence over so many epochs.",
)
@click.option(
    "--binarize",
    is_flag=True,
    help="Draw black and white images anew for each epoch.",
)
@click.option("--resume", is_flag=True, help="Go on with a run.")
@click.option(
    "--picture-every",
    type=int,
    metavar="N",
    help="Also draw samples after each N epochs; a model of poems prints one "
    "after each, or with this after each N.",
)
def train(
    name,
    data,
    out,
    epochs,
    batch_size,
    seed,
    settings,
    stream,
    shift,
    kl_warm_up,
    binarize,
    resume,
    picture_every,
):
    """Train a model into a run folder."""
    from keras_capsvae import PrintedText
    from zoo import plots
    from zoo import runs
    from zoo.registry import builder_of

    folder = out or pathlib.Path("runs") / name
    callbacks = []
    if builder_of(name).card.family == "poem":
        callbacks.append(PrintedText(picture_every or 1, write=click.echo))
    elif picture_every:
        callbacks.append(
            plots.EpochPicture(
                plots.samples, folder / "pictures" / "epochs", picture_every
            )
        )
    try:
        runs.train(
            name,
            data,
            folder,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            arguments=_arguments(settings),
            streaming=stream,
            shift=shift,
            kl_warm_up=kl_warm_up,
            binarize=binarize,
            resume=resume,
            callbacks=callbacks,
            verbose=1,
        )
    except KeyboardInterrupt:
        click.echo("\nStopped.", err=True)
        if (folder / runs.MODEL).is_file():
            click.echo(
                f"{folder / runs.MODEL} holds the last whole epoch; the same "
                "command with --resume goes on.",
                err=True,
            )
        sys.exit(130)
    made = runs.finish(folder)
    for path in made:
        click.echo(path)
    if folder / runs.SAVED_MODEL not in made:
        click.echo(
            "No SavedModel: that takes the TensorFlow backend. There, "
            f"`python -m zoo export {folder} --out {folder / 'saved_model'}` "
            "writes it."
        )


@main.command()
@click.argument("model")
@click.option(
    "--out",
    default="pictures",
    show_default=True,
    type=click.Path(path_type=pathlib.Path),
)
@click.option("--weights", help=WEIGHTS)
@click.option(
    "--data", help="Examples to draw; a classifier draws nothing without."
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
def sample(model, out, weights, data, seed, count, temperature):
    """Draw from MODEL: a name of the zoo, a run folder or a .keras file.

    A model of poems prints them.
    """
    from keras_capsvae import PoemAutoencoder
    from zoo import feeds
    from zoo import gallery

    opened = _opened(model, weights)
    if isinstance(opened, PoemAutoencoder):
        for text in opened.generate(count, seed=seed, temperature=temperature):
            click.echo(text)
        return
    images = labels = None
    if data is not None:
        arrays = feeds.load(opened, data)
        images, labels = arrays.x_test, arrays.y_test
    for path in gallery.draw(opened, out, images, labels, seed=seed):
        click.echo(path)


@main.command()
@click.argument("model")
@click.option("--data", help="[default: that of the run, or mnist or tang]")
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
def evaluate(model, data, weights, binarize, samples, images, histogram):
    """Figures of MODEL (a name, run folder or .keras file) on test data."""
    from keras_capsvae import PoemAutoencoder
    from zoo import evaluation
    from zoo import feeds
    from zoo import plots
    from zoo import runs
    from zoo import text_evaluation

    opened = _opened(model, weights)
    settings = runs.config_of(model)
    usual = "tang" if feeds.takes_text(opened) else "mnist"
    data = data or settings.get("data", usual)
    if binarize is None:
        binarize = settings.get("binarize", False)
    if binarize and feeds.takes_text(opened):
        raise ValueError("--binarize is for images. Received: a model of texts")
    if images is not None and images < 1:
        raise ValueError(f"--images must be at least 1. Received: {images}")
    arrays = feeds.load(opened, data)
    x = feeds.test_images(arrays, binarize)[:images]
    labels = None if arrays.y_test is None else arrays.y_test[:images]
    figures = evaluation.evaluate(opened, x, labels, num_samples=samples)
    if isinstance(opened, PoemAutoencoder):
        corpus = opened.decode_text(arrays.x_train)
        figures |= text_evaluation.sample_figures(opened, corpus)
    if histogram is not None:
        plots.posterior_deviations(opened, x).savefig(histogram)
    about = {"data": data}
    if not feeds.takes_text(opened):
        about["binarized"] = binarize
    click.echo(json.dumps({**about, **figures}, indent=2))


@main.command()
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
def export(model, out, kind, weights):
    """Write MODEL (a name, run folder or .keras file) for use elsewhere."""
    from zoo.export import export_onnx

    opened = _opened(model, weights)
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


@main.command()
@click.argument("claim")
@click.option(
    "--out",
    type=click.Path(path_type=pathlib.Path),
    help="Folder of the runs and figures.  [default: runs/CLAIM]",
)
@click.option("--quick", is_flag=True, help="A short form of some minutes.")
@click.option("--data", help="Corpus, for a claim about texts.")
def reproduce(claim, out, quick, data):
    """Run the experiment behind a published CLAIM."""
    from zoo.reproduce import reproduce as run

    folder = out or pathlib.Path("runs") / claim
    for path in run(claim, folder, quick, data):
        click.echo(path)


def _opened(model, weights):
    """The model of a zoo name, a run folder or a `.keras` file."""
    import zoo
    from zoo import runs
    from zoo.registry import builder_of

    path = pathlib.Path(model)
    if model in zoo.list_models() or not path.exists():
        tag = weights or builder_of(model).card.data
        return zoo.create_model(model, weights=tag)
    if path.is_dir():
        if not (path / runs.MODEL).is_file():
            raise ValueError(
                "Expected a name of the zoo, a run folder or a .keras file. "
                f"Received: {path}, a folder without {runs.MODEL}"
            )
        path = path / runs.MODEL
    return zoo.load_model(path)


def _arguments(settings):
    arguments = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(
                f"--set takes ARGUMENT=VALUE. Received: {setting!r}"
            )
        try:
            arguments[name] = json.loads(value)
        except ValueError:
            arguments[name] = value
    return arguments


def _as_call(name, arguments):
    inner = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    return f"{name}({inner})"
