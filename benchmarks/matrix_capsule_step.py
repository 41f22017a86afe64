"""Time and memory of a training step of the matrix capsule net.

    python benchmarks/matrix_capsule_step.py --growth growth.png

See README.md beside this file.
"""

import dataclasses
import fnmatch
import pathlib
import sys

import click
import dense_vae_step
import interleaving
import matrix_capsule_contenders as workers

WORKER = pathlib.Path(workers.__file__)
DEFAULTS = workers.Settings()
SHARED = {option.name: option for option in dense_vae_step.main.params}
HEADS = ["contender", "ms/step", "÷ yardstick", "ours ÷ this", "extra MB"]
YARDSTICK = "yardstick, TensorFlow"
GROWTH = {
    "batch": [{"batch_size": size} for size in (4, 8, 16, 32, 64)],
    "side of the image": [{"side": side} for side in (24, 32, 48, 64)],
    "capsule types C = D": [
        {"capsules": (64, 8, types, types)} for types in (4, 8, 16, 32)
    ],
}
GROWING = ("ours, TensorFlow", "plain, TensorFlow")


@click.command(
    params=[
        SHARED[name]
        for name in ("interpreters", "threads", "rounds", "seed", "only")
    ]
)
@click.option(
    "--batch-size", "batch_sizes", multiple=True, type=int, default=(16, 64)
)
@click.option("--steps", default=DEFAULTS.steps, show_default=True)
@click.option(
    "--capsules",
    type=int,
    nargs=4,
    default=DEFAULTS.capsules,
    show_default=True,
    help="Filters A and types B, C, D.",
)
@click.option(
    "--layers",
    is_flag=True,
    help="Values and gradients of each layer that routes, on TensorFlow.",
)
@click.option(
    "--growth",
    type=click.Path(path_type=pathlib.Path),
    help="Only a picture: time and memory as batch, image and types grow.",
)
def main(interpreters, rounds, only, batch_sizes, layers, growth, **settings):
    """Milliseconds of a training step of matrix_capsnet.

    Prints a Markdown table for each batch size; progress goes to the standard
    error.
    """
    settings = workers.Settings(**settings)
    if growth is not None:
        draw(grown(interpreters, settings), growth)
        click.echo(growth)
        return
    failed = False
    for batch_size in batch_sizes:
        for layer in workers.LAYERS if layers else [None]:
            chosen = dataclasses.replace(
                settings, batch_size=batch_size, layer=layer
            )
            contenders = measured(only, interpreters, chosen, rounds)
            click.echo(table(contenders))
            click.echo(conditions(contenders, chosen, rounds))
            failed |= any(c.trouble == "failed" for c in contenders)
    sys.exit(failed)


def measured(only, interpreters, settings, rounds):
    """The contenders after all rounds, and the check if it failed."""
    check = start("check", interpreters, settings)
    interleaving.stop([check])
    wanted = [YARDSTICK, only]
    if settings.layer is not None:
        wanted = [f"{name}, TensorFlow" for name in workers.FORMULATIONS]
    names = [
        name
        for name in workers.CONTENDERS
        if any(fnmatch.fnmatch(name, pattern) for pattern in wanted)
    ]
    contenders = []
    try:
        for name in names:
            contenders.append(start(name, interpreters, settings))
        interleaving.take_turns(contenders, rounds)
    finally:
        interleaving.stop(contenders)
    return contenders + [check] * (check.trouble == "failed")


def start(name, interpreters, settings):
    backend = {"check": workers.CHECK, **workers.CONTENDERS}[name].environment
    return interleaving.start(
        name, interpreters[backend], [WORKER], settings, backend
    )


def table(contenders):
    lines = [HEADS, ["---", *["---:"] * (len(HEADS) - 1)]]
    by_name = {c.name: c for c in contenders if c.rounds and not c.trouble}
    lines += [cells(contender, by_name) for contender in contenders]
    return "\n".join(map(dense_vae_step.row, lines))


def cells(contender, by_name):
    if contender.name not in by_name:
        blanks = [""] * (len(HEADS) - 2)
        return [contender.name, contender.trouble or "not run", *blanks]
    ours = by_name.get("ours, " + contender.name.rsplit(", ", 1)[-1])
    yardstick = by_name.get(YARDSTICK)
    return [
        contender.name,
        f"{contender.milliseconds:.0f}",
        f"{contender.ratio_to(yardstick):.2f}" if yardstick else "—",
        f"{ours.ratio_to(contender):.2f}" if ours else "—",
        f"{max(contender.column('extra_mb')):.0f}",
    ]


def conditions(contenders, settings, rounds):
    versions = {}
    for contender in contenders:
        versions |= contender.versions
    packages = ", ".join(f"{p} {v}" for p, v in sorted(versions.items()))
    work = settings.layer or "whole net, training step"
    return (
        f"\n{work}, capsules {tuple(settings.capsules)}, batch "
        f"{settings.batch_size}, {settings.side} × {settings.side} × "
        f"{settings.channels}, {settings.threads} threads, float32; medians of "
        f"{rounds} rounds of {settings.steps} steps. {packages}.\n"
    )


def grown(interpreters, settings):
    """Quantity → contender → [(size, milliseconds, extra MB)]."""
    curves = {}
    for quantity, points in GROWTH.items():
        for change in points:
            chosen = dataclasses.replace(settings, **change)
            (size,) = change.values()
            size = size[-1] if isinstance(size, tuple) else size
            for name in GROWING:
                contender = start(name, interpreters, chosen)
                interleaving.take_turns([contender], 1)
                interleaving.stop([contender])
                if contender.rounds:
                    point = (
                        size,
                        contender.milliseconds,
                        max(contender.column("extra_mb")),
                    )
                    curve = curves.setdefault(quantity, {})
                    curve.setdefault(name, []).append(point)
    return curves


def draw(curves, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.4), layout="constrained", dpi=150)
    panels = figure.subplots(2, len(curves), sharey="row", sharex="col")
    for column, (quantity, by_name) in zip(panels.T, curves.items()):
        for name, points in by_name.items():
            sizes, times, memory = zip(*points)
            label = name.removesuffix(", TensorFlow")
            column[0].loglog(sizes, times, "o-", label=label)
            column[1].loglog(sizes, memory, "o-", label=label)
        column[1].set_xlabel(quantity)
        for axes in column:
            axes.set_xticks(sizes, [str(size) for size in sizes])
            axes.minorticks_off()
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("ms a training step")
    panels[1, 0].set_ylabel("extra memory, MB")
    panels[0, 0].legend(frameon=False)
    figure.savefig(path)


if __name__ == "__main__":
    main()
