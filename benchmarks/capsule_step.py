"""Time and memory of a training step of the capsule nets.

    python benchmarks/capsule_step.py --python torch=PATH --python jax=PATH

See README.md beside this file.
"""

import fnmatch
import pathlib
import sys

import capsule_contenders as workers
import click
import dense_vae_step
import interleaving

WORKER = pathlib.Path(workers.__file__)
DEFAULTS = workers.Settings()
SHARED = {option.name: option for option in dense_vae_step.main.params}
HEADS = ["contender", "ms/step", "ours ÷ this", "routing", "peak MB", "loss"]


@click.command(
    params=[
        SHARED[name]
        for name in ("interpreters", "threads", "rounds", "seed", "only")
    ]
)
@click.option("--batch-size", default=DEFAULTS.batch_size, show_default=True)
@click.option(
    "--steps",
    type=int,
    help="Steps of a block; the data are as many batches.  "
    f"[default: {', '.join(f'{s} of {n}' for n, s in workers.STEPS.items())}]",
)
@click.option(
    "--net",
    "nets",
    multiple=True,
    type=click.Choice(list(workers.STEPS)),
    default=list(workers.STEPS),
    help="One of the nets; both by default.",
)
@click.option(
    "--layer-only",
    is_flag=True,
    help="Values and gradients of the capsule layer alone, on random inputs.",
)
def main(interpreters, rounds, only, nets, steps, **settings):
    """Milliseconds of a training step of capsnet and of capsule_cnn.

    Prints a Markdown table for each net; progress goes to the standard error.
    """
    failed = False
    for net in nets:
        chosen = workers.Settings(
            net=net, steps=steps or workers.STEPS[net], **settings
        )
        contenders = measured(only, interpreters, chosen, rounds)
        click.echo(table(contenders))
        click.echo(conditions(contenders, chosen, rounds))
        failed |= any(c.trouble == "failed" for c in contenders)
    sys.exit(failed)


def measured(only, interpreters, settings, rounds):
    """The contenders after all rounds; one framework at a time, for memory."""
    contenders = []
    for environment in dense_vae_step.ENVIRONMENTS:
        python = interpreters[environment]
        group = []
        try:
            for name in names(only, environment):
                group.append(start(name, python, settings))
            interleaving.take_turns(group, rounds)
        finally:
            interleaving.stop(group)
        contenders += group
        if group:
            contenders += failed_check(environment, python, settings)
    return contenders


def failed_check(environment, interpreter, settings):
    """The check that the contenders do the same work, if it failed."""
    check = start(f"check, {environment}", interpreter, settings)
    interleaving.stop([check])
    return [check] if check.trouble == "failed" else []


def names(pattern, environment):
    """The contenders that match, and those they are compared with."""
    entries = {
        name: entry
        for name, entry in workers.CONTENDERS.items()
        if entry.environment == environment
    }
    found = {name for name in entries if fnmatch.fnmatch(name, pattern)}
    found |= {entries[name].reference for name in found}
    return [name for name in entries if name in found]


def start(name, interpreter, settings):
    entry = {**workers.CHECKS, **workers.CONTENDERS}[name]
    return interleaving.start(
        name,
        interpreter,
        [WORKER],
        settings,
        entry.environment,
        **entry.variables,
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
    entry = workers.CONTENDERS[contender.name]
    ratio = share = "—"
    if entry.reference in by_name:
        ours = by_name[entry.reference]
        ratio = f"{ours.ratio_to(contender):.2f}"
        if not entry.routes:
            share = f"{1 - contender.ratio_to(ours):.1%}"
    return [
        contender.name,
        f"{contender.milliseconds:.1f}",
        ratio,
        share,
        f"{max(contender.column('peak_mb')):.0f}",
        f"{contender.column('loss')[-1]:.4f}",
    ]


def conditions(contenders, settings, rounds):
    versions = {}
    for contender in contenders:
        versions |= contender.versions
    packages = ", ".join(f"{p} {v}" for p, v in sorted(versions.items()))
    work = "capsule layer alone" if settings.layer_only else "training step"
    return (
        f"\n{settings.net}, {work}, batch {settings.batch_size}, "
        f"{settings.threads} threads, float32; medians of {rounds} rounds of "
        f"{settings.steps} steps. {packages}.\n"
    )


if __name__ == "__main__":
    main()
