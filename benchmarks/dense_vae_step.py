"""Time of a training step of the dense VAE, ours beside its peers.

    python benchmarks/dense_vae_step.py --python torch=PATH --python jax=PATH

See README.md beside this file.
"""

import fnmatch
import pathlib
import sys

import click
import dense_vae_contenders as dense
import interleaving
import workers

WORKER = pathlib.Path(dense.__file__)
ENVIRONMENTS = ("tensorflow", "jax", "torch")
REFERENCES = {
    "× pythae step": dense.PYTHAE_STEP,
    "× pythae trainer": dense.PYTHAE_TRAINER,
    "× raw PyTorch": dense.RAW_PYTORCH,
}
DEFAULTS = workers.Settings()


def parse_interpreters(context, parameter, values):
    """`tensorflow=PATH` … → the interpreter of each environment."""
    interpreters = dict.fromkeys(ENVIRONMENTS, sys.executable)
    for value in values:
        environment, _, path = value.partition("=")
        if environment not in ENVIRONMENTS or not pathlib.Path(path).is_file():
            raise click.BadParameter(
                "expected tensorflow=PATH, jax=PATH or torch=PATH with the "
                f"path of a Python interpreter, received {value!r}"
            )
        interpreters[environment] = path
    return interpreters


@click.command()
@click.option(
    "--python",
    "interpreters",
    multiple=True,
    metavar="ENVIRONMENT=PATH",
    callback=parse_interpreters,
    help="Interpreter with tensorflow, jax or torch; this one by default.",
)
@click.option("--threads", default=DEFAULTS.threads, show_default=True)
@click.option("--batch-size", default=DEFAULTS.batch_size, show_default=True)
@click.option(
    "--steps",
    default=DEFAULTS.steps,
    show_default=True,
    help="Steps of a block; the data are as many batches.",
)
@click.option("--rounds", default=9, show_default=True)
@click.option("--seed", default=DEFAULTS.seed, show_default=True)
@click.option(
    "--only",
    default="*",
    metavar="PATTERN",
    help="Shell pattern of the contenders to run beside the references.",
)
def main(interpreters, rounds, only, **settings):
    """Milliseconds of a training step of the dense VAE 784-256-2.

    Prints a Markdown table; progress goes to the standard error.
    """
    settings = workers.Settings(**settings)
    contenders = []
    try:
        for name in chosen(only):
            contenders.append(start(name, interpreters, settings))
        interleaving.take_turns(contenders, rounds)
    finally:
        interleaving.stop(contenders)
    click.echo(table(contenders))
    click.echo(conditions(contenders, settings, rounds))
    if any(contender.trouble == "failed" for contender in contenders):
        sys.exit(1)


def chosen(pattern):
    references = set(REFERENCES.values())
    return [
        name
        for name in dense.CONTENDERS
        if name in references or fnmatch.fnmatch(name, pattern)
    ]


def start(name, interpreters, settings):
    backend = dense.CONTENDERS[name].environment
    return interleaving.start(
        name, interpreters[backend], [WORKER], settings, backend
    )


def table(contenders):
    heads = ["contender", "ms/step", *REFERENCES, "peak MB", "loss"]
    lines = [row(heads), row(["---", *["---:"] * (len(heads) - 1)])]
    return "\n".join([*lines, *(row(cells(c, contenders)) for c in contenders)])


def row(values):
    return f"| {' | '.join(values)} |"


def cells(contender, contenders):
    if contender.trouble or not contender.rounds:
        blanks = [""] * (len(REFERENCES) + 2)
        return [contender.name, contender.trouble or "not run", *blanks]
    return [
        contender.name,
        f"{contender.milliseconds:.2f}",
        *(ratio(contender, name, contenders) for name in REFERENCES.values()),
        f"{max(contender.column('peak_mb')):.0f}",
        f"{contender.column('loss')[-1]:.2f}",
    ]


def ratio(contender, name, contenders):
    for reference in contenders:
        usable = reference.rounds and not reference.trouble
        if reference.name == name and usable:
            return f"{contender.ratio_to(reference):.2f}"
    return "—"


def conditions(contenders, settings, rounds, optimizer="RMSprop"):
    versions = {}
    for contender in contenders:
        versions |= contender.versions
    packages = ", ".join(f"{p} {v}" for p, v in sorted(versions.items()))
    return (
        f"\nBatch {settings.batch_size}, {settings.threads} threads, float32, "
        f"{optimizer}; medians of {rounds} rounds of {settings.steps} steps. "
        f"{packages}."
    )


if __name__ == "__main__":
    main()
