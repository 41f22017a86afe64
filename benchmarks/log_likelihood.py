"""Log-likelihoods of many images, ours beside pythae's `get_nll`.

    python benchmarks/log_likelihood.py --python torch=PATH

Both estimate the likelihood of the same images under the same net (dense VAE
784-256-2 or with `--latents`), with the same number of samples, on the CPU.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import click
import numpy as np

DIMS, HIDDEN = 784, 256
CONTENDERS = {"ours, TensorFlow": "tensorflow", "pythae get_nll": "torch"}


def images(count):
    random = np.random.default_rng(0)
    return (random.random((count, DIMS)) < 0.15).astype("float32")


def ours(x, samples, weights, threads):
    import tensorflow as tf

    import zoo
    from zoo.likelihood import log_likelihood

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    latents = weights["z_mean"][1].size
    model = zoo.dense_vae(DIMS, latents, HIDDEN)
    for part in (model.encoder, model.decoder):
        for layer in part.layers:
            if layer.name in weights:
                layer.set_weights(weights[layer.name])
    log_likelihood(model, x[:100], samples, verbose=0)  # to warm up
    return lambda: -log_likelihood(model, x, samples, verbose=0).mean()


def pythae(x, samples, weights, threads):
    import torch
    from pythae.models import VAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder
    from pythae.models.nn import BaseEncoder

    torch.set_num_threads(threads)

    def linear(name):
        kernel, bias = weights[name]
        layer = torch.nn.Linear(*kernel.shape)
        layer.weight.data = torch.tensor(kernel.T.copy())
        layer.bias.data = torch.tensor(bias)
        return layer

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.hidden = linear("encoder_hidden")
            self.mean, self.log_var = linear("z_mean"), linear("z_log_var")

        def forward(self, x):
            hidden = torch.relu(self.hidden(x.reshape(len(x), -1)))
            return ModelOutput(
                embedding=self.mean(hidden),
                log_covariance=self.log_var(hidden),
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.hidden = linear("decoder_hidden")
            self.pixels = linear("pixels")

        def forward(self, z):
            pixels = self.pixels(torch.relu(self.hidden(z)))
            return ModelOutput(reconstruction=torch.sigmoid(pixels))

    config = VAEConfig(
        input_dim=(DIMS,),
        latent_dim=weights["z_mean"][1].size,
        reconstruction_loss="bce",
    )
    model = VAE(config, encoder=Encoder(), decoder=Decoder())
    data = torch.tensor(x)

    def block():
        with torch.no_grad():
            return -model.get_nll(data, n_samples=samples)

    return block


def random_weights(latents):
    random = np.random.default_rng(1)
    sizes = {
        "encoder_hidden": (DIMS, HIDDEN),
        "z_mean": (HIDDEN, latents),
        "z_log_var": (HIDDEN, latents),
        "decoder_hidden": (latents, HIDDEN),
        "pixels": (HIDDEN, DIMS),
    }
    return {
        name: [
            (0.5 * random.normal(size=size) / size[0] ** 0.5).astype("float32"),
            np.zeros(size[1], "float32"),
        ]
        for name, size in sizes.items()
    }


def work(name, count, samples, latents, threads):
    prepare = ours if CONTENDERS[name] == "tensorflow" else pythae
    block = prepare(images(count), samples, random_weights(latents), threads)
    started = time.perf_counter()
    value = float(block())
    return {"seconds": time.perf_counter() - started, "nats": value}


@click.command()
@click.option("--python", "interpreters", multiple=True, metavar="torch=PATH")
@click.option("--images", "count", default=10_000, show_default=True)
@click.option("--samples", default=500, show_default=True)
@click.option("--latents", default=2, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(interpreters, count, samples, latents, threads, rounds):
    """Seconds for the log-likelihood of many images, in turns."""
    paths = dict(given.split("=", 1) for given in interpreters)
    seconds = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name, environment in CONTENDERS.items():
            answer = _in_process(
                paths.get(environment, sys.executable),
                [name, count, samples, latents, threads],
            )
            seconds[name].append(answer["seconds"])
            click.echo(f"{name}: {answer}", err=True)
    click.echo("| contender | seconds | ours ÷ this |\n| --- | ---: | ---: |")
    first = seconds["ours, TensorFlow"]
    for name, values in seconds.items():
        ratio = np.median([a / b for a, b in zip(first, values)])
        click.echo(f"| {name} | {np.median(values):.1f} | {ratio:.2f} |")
    click.echo(
        f"\n{count} images, {samples} samples each, {DIMS}-{HIDDEN}-{latents}, "
        f"{threads} threads, float32; medians of {rounds} rounds."
    )


def _in_process(python, arguments):
    root = pathlib.Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "answer.json")
        subprocess.run(
            [python, __file__, "--work", json.dumps(arguments), str(path)],
            check=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(
                    [str(root), os.environ.get("PYTHONPATH", "")]
                ),
                "OMP_NUM_THREADS": str(arguments[-1]),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
        )
        return json.loads(path.read_text())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        answer = work(*json.loads(sys.argv[2]))
        pathlib.Path(sys.argv[3]).write_text(json.dumps(answer))
    else:
        main()
