"""Training step of the VQ-VAE: with and without codes, and beside a peer.

    python benchmarks/vq_step.py --python torch=PATH --python jax=PATH

The peer is the `VectorQuantize` of vector-quantize-pytorch in a plain PyTorch
net of the same sizes. See README.md beside this file.
"""

import math
import sys

import click
import dense_vae_step
import interleaving
import numpy as np
import workers

SIDE, CODES, FILTERS = 28, 64, 64
OPTIONS = ("interpreters", "threads", "rounds", "seed")
SHARED = {option.name: option for option in dense_vae_step.main.params}
PEER = "vector-quantize-pytorch"


def pictures(settings):
    """Smooth images in [0, 1], (steps · batch, 28, 28, 1)."""
    random = np.random.default_rng(settings.seed)
    count = settings.steps * settings.batch_size
    rows = np.arange(SIDE) / SIDE
    phases = random.uniform(0, 2 * np.pi, (2, count, 1))
    waves = np.sin(4 * np.pi * rows + phases)  # (2, count, side)
    image = 0.5 + 0.5 * waves[0][:, :, None] * waves[1][:, None]
    return image[..., None].astype("float32")


def ours(_, settings):
    import zoo

    model = zoo.vq_vae((SIDE, SIDE, 1), CODES, filters=FILTERS)
    return fitted(model, settings)


def without_codes(_, settings):
    """The same autoencoder, whose vectors pass as they are."""
    import keras

    import zoo

    parts = zoo.vq_vae((SIDE, SIDE, 1), CODES, filters=FILTERS)
    model = keras.Model(
        parts.encoder.input, parts.decoder(parts.encoder.output)
    )
    model.compile("adam", loss="mse")
    return fitted(model, settings)


def fitted(model, settings):
    x = pictures(settings)
    given = (x, x) if model.loss == "mse" else (x,)

    def block():
        history = model.fit(*given, batch_size=settings.batch_size, verbose=0)
        return history.history["loss"][-1]

    return block


def peer(_, settings):
    import torch

    net = torch_net()
    x = torch.from_numpy(pictures(settings)).permute(0, 3, 1, 2).contiguous()
    log_variance = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.Adam([*net.parameters(), log_variance], 1e-3)

    def block():
        total = 0.0
        for rows in torch.randperm(len(x)).split(settings.batch_size):
            batch = x[rows]
            decoded, penalty = net(batch)
            squares = torch.square(batch - decoded).sum((1, 2, 3)).mean()
            nats = 0.5 * squares * torch.exp(-log_variance)
            nats = nats + SIDE**2 * 0.5 * (log_variance + math.log(2 * math.pi))
            loss = nats + penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
        return total / settings.steps

    return block


def torch_net():
    """The layers of `zoo.vq_vae`, with the peer's quantiser."""
    from torch import nn
    from vector_quantize_pytorch import VectorQuantize

    def halve(channels):
        return nn.Conv2d(channels, FILTERS, 4, 2, 1)

    def normalised():
        return nn.BatchNorm2d(FILTERS, eps=1e-3)

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(
                nn.ReLU(),
                nn.Conv2d(FILTERS, FILTERS, 3, padding=1),
                normalised(),
                nn.ReLU(),
                nn.Conv2d(FILTERS, FILTERS, 1),
            )

        def forward(self, x):
            return x + self.layers(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(
                halve(1),
                normalised(),
                nn.ReLU(),
                halve(FILTERS),
                normalised(),
                Residual(),
            )
            self.quantize = VectorQuantize(
                FILTERS,
                CODES,
                decay=0.99,
                kmeans_init=True,
                threshold_ema_dead_code=1,
                commitment_weight=0.25,
                rotation_trick=False,
                accept_image_fmap=True,
            )
            self.decoder = nn.Sequential(
                Residual(),
                nn.ConvTranspose2d(FILTERS, FILTERS, 4, 2, 1),
                normalised(),
                nn.ReLU(),
                nn.ConvTranspose2d(FILTERS, 1, 4, 2, 1),
                nn.Sigmoid(),
            )

        def forward(self, x):
            z = self.encoder(x)
            quantized, _, penalty = self.quantize(z)
            return self.decoder(quantized), z[0].numel() * penalty.sum()

    return Net()


CONTENDERS = {
    "ours, torch": workers.Entry("torch", ("keras", "torch"), ours),
    PEER: workers.Entry("torch", ("torch", "vector_quantize_pytorch"), peer),
    "ours, TensorFlow": workers.Entry(
        "tensorflow", ("keras", "tensorflow"), ours
    ),
    "without codes, TensorFlow": workers.Entry(
        "tensorflow", ("keras", "tensorflow"), without_codes
    ),
    "ours, JAX": workers.Entry("jax", ("keras", "jax"), ours),
}


@click.command(params=[SHARED[name] for name in OPTIONS])
@click.option("--batch-size", default=64, show_default=True)
@click.option("--steps", default=20, show_default=True)
@click.option("--only", multiple=True, help="Contenders, all by default.")
def main(interpreters, rounds, only, **settings):
    """Milliseconds of a training step of vq_vae, and of what it is beside."""
    settings = workers.Settings(**settings)
    contenders = []
    try:
        for name in only or CONTENDERS:
            contenders.append(start(name, interpreters, settings))
        interleaving.take_turns(contenders, rounds)
    finally:
        interleaving.stop(contenders)
    by_name = {one.name: one for one in contenders if not one.trouble}
    theirs = by_name.get(PEER)
    click.echo(f"| contender | ms/step | ÷ {PEER} | loss |")
    click.echo("| --- | ---: | ---: | ---: |")
    for one in contenders:
        if one.trouble:
            click.echo(f"| {one.name} | {one.trouble} | | |")
            continue
        ratio = f"{one.ratio_to(theirs):.2f}" if theirs else "—"
        click.echo(
            f"| {one.name} | {one.milliseconds:.1f} | {ratio} | "
            f"{one.column('loss')[-1]:.2f} |"
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
