"""Couplets a second in training of the poem VAE: backends, XLA on and off.

    python benchmarks/poem_vae_step.py --python jax=PATH --python torch=PATH

See README.md beside this file.
"""

import functools
import sys

import click
import dense_vae_step
import interleaving
import numpy as np
import workers

LENGTH = 10
CHARACTERS = 6000
OPTIONS = ("interpreters", "threads", "rounds", "seed")
SHARED = {option.name: option for option in dense_vae_step.main.params}


def fit(_, settings, jit_compile):
    import zoo

    vocabulary = "".join(chr(0x4E00 + i) for i in range(CHARACTERS))
    model = zoo.poem_vae(
        vocabulary, seed=settings.seed, jit_compile=jit_compile
    )
    random = np.random.default_rng(settings.seed)
    rows = settings.steps * settings.batch_size
    ids = random.integers(0, CHARACTERS, (rows, LENGTH), "int32")

    def block():
        history = model.fit(ids, batch_size=settings.batch_size, verbose=0)
        return history.history["loss"][-1]

    return block


def _entry(environment, jit_compile):
    return workers.Entry(
        environment,
        ("keras", environment),
        functools.partial(fit, jit_compile=jit_compile),
    )


CONTENDERS = {
    "TensorFlow, XLA": _entry("tensorflow", True),
    "TensorFlow": _entry("tensorflow", False),
    "JAX, XLA": _entry("jax", True),
    "JAX": _entry("jax", False),
    "torch": _entry("torch", False),
}


@click.command(params=[SHARED[name] for name in OPTIONS])
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", default=60, show_default=True)
@click.option("--only", multiple=True, help="Contenders, all by default.")
def main(interpreters, rounds, only, **settings):
    """Training throughput of poem_vae with a vocabulary of 6,000 characters."""
    settings = workers.Settings(**settings)
    contenders = []
    try:
        for name in only or CONTENDERS:
            contenders.append(start(name, interpreters, settings))
        interleaving.take_turns(contenders, rounds)
    finally:
        interleaving.stop(contenders)
    click.echo("| contender | couplets/s | ÷ first | peak MB | loss |")
    click.echo("| --- | ---: | ---: | ---: | ---: |")
    for contender in contenders:
        if contender.trouble:
            click.echo(f"| {contender.name} | {contender.trouble} | | | |")
            continue
        rate = 1000 * settings.batch_size / contender.milliseconds
        ratio = contenders[0].ratio_to(contender)
        peak = max(contender.column("peak_mb"))
        loss = contender.column("loss")[-1]
        click.echo(
            f"| {contender.name} | {rate:.0f} | {ratio:.2f} | {peak:.0f} | "
            f"{loss:.1f} |"
        )
    click.echo(dense_vae_step.conditions(contenders, settings, rounds, "Adam"))


def start(name, interpreters, settings):
    backend = CONTENDERS[name].environment
    script = [__file__, "--work"]
    return interleaving.start(
        name, interpreters[backend], script, settings, backend
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        workers.work(CONTENDERS, *sys.argv[2:])
    else:
        main()
