"""The contenders of `dense_vae_step.py`; each runs in a process of its own.

Every contender is a function of the data and the settings that prepares once
and returns a function of no argument, which trains for one block of steps and
returns the loss of an example in nats.
"""

import functools
import sys
import tempfile

import numpy as np
import workers
from workers import Entry

DIMS = workers.DIMS
HIDDEN = 256
LATENTS = 2
LEARNING_RATE = 1e-3
DECAY = 0.9
EPSILON = 1e-7


def shuffled_rows(settings):
    """Rows of each batch, in a new order for every block."""
    order = np.random.permutation(settings.steps * settings.batch_size)
    return order.reshape(settings.steps, settings.batch_size)


def ours(settings, **options):
    import zoo

    return zoo.dense_vae(
        DIMS,
        LATENTS,
        HIDDEN,
        optimizer="rmsprop",
        learning_rate=LEARNING_RATE,
        seed=settings.seed,
        **options,
    )


def ours_fit(x, settings, steps_per_execution=1, **options):
    model = ours(settings, **options)
    if steps_per_execution > 1:
        model.compile(
            model.optimizer,
            loss=model.loss,
            jit_compile=model.jit_compile,
            steps_per_execution=steps_per_execution,
        )

    def block():
        history = model.fit(x, batch_size=settings.batch_size, verbose=0)
        return history.history["loss"][-1]

    return block


def ours_tensorflow_step(x, settings, **options):
    model = _built(x, settings, **options)
    batches = iter(_tensorflow_batches(x, settings))

    def block():
        model.reset_metrics()
        for _ in range(settings.steps):
            logs = model.train_function(batches)
        return float(logs["loss"])

    return block


def _tensorflow_batches(x, settings):
    import tensorflow as tf

    data = tf.constant(x)

    def order(_):
        rows = tf.random.shuffle(tf.range(len(x)))
        return tf.reshape(rows, (settings.steps, settings.batch_size))

    epochs = tf.data.Dataset.from_tensors(0).repeat()
    rows = epochs.map(order).unbatch()
    return rows.map(lambda i: (tf.gather(data, i),)).prefetch(2)


def ours_jax_step(x, settings):
    import jax

    model = _built(x, settings)
    step = jax.jit(model.train_step, donate_argnums=0)
    variables = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )
    # Copies: what is donated must not be the model's own.
    state = [[v.value.copy() for v in group] for group in variables]

    def block():
        nonlocal state
        for rows in shuffled_rows(settings):
            logs, state = step(state, (x[rows],))
        return float(logs["loss"])

    return block


def ours_torch_step(x, settings):
    import torch

    model = _built(x, settings)
    data = torch.from_numpy(x)

    def block():
        model.reset_metrics()
        for rows in torch.from_numpy(shuffled_rows(settings)):
            logs = model.train_step((data[rows],))
        return float(logs["loss"])

    return block


def _built(x, settings, **options):
    model = ours(settings, **options)
    first = x[: settings.batch_size]
    model.fit(first, batch_size=settings.batch_size, verbose=0)
    return model


def pythae_model():
    from pythae.models import VAE
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder
    from pythae.models.nn import BaseEncoder
    from torch import nn

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Sequential(nn.Linear(DIMS, HIDDEN), nn.ReLU())
            self.mean = nn.Linear(HIDDEN, LATENTS)
            self.log_var = nn.Linear(HIDDEN, LATENTS)

        def forward(self, x):
            hidden = self.hidden(x)
            return ModelOutput(
                embedding=self.mean(hidden),
                log_covariance=self.log_var(hidden),
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.pixels = nn.Sequential(
                nn.Linear(LATENTS, HIDDEN),
                nn.ReLU(),
                nn.Linear(HIDDEN, DIMS),
                nn.Sigmoid(),
            )

        def forward(self, z):
            return ModelOutput(reconstruction=self.pixels(z))

    config = VAEConfig(
        input_dim=(DIMS,), latent_dim=LATENTS, reconstruction_loss="bce"
    )
    return VAE(config, Encoder(), Decoder())


def pythae_step(x, settings):
    import torch

    model = pythae_model()
    data = torch.tensor(x)
    optimizer = _torch_rmsprop(model)

    def block():
        model.train()
        total = torch.zeros(())
        for rows in torch.from_numpy(shuffled_rows(settings)):
            loss = model({"data": data[rows]}).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return total.item() / settings.steps

    return block


def pythae_trainer(x, settings):
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.trainers import BaseTrainer
    from pythae.trainers import BaseTrainerConfig

    config = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=settings.batch_size,
        optimizer_cls="RMSprop",
        optimizer_params={"alpha": DECAY, "eps": EPSILON},
        learning_rate=LEARNING_RATE,
        no_cuda=True,
    )
    data = BaseDataset(torch.from_numpy(x), torch.ones(len(x)))
    trainer = BaseTrainer(pythae_model(), data, training_config=config)
    trainer.prepare_training()
    trainer.callback_handler.callbacks = []  # no progress bar either
    return functools.partial(trainer.train_step, epoch=1)


def raw_pytorch(x, settings):
    import torch
    from torch.nn import functional

    model = raw_pytorch_model()
    data = torch.tensor(x)
    optimizer = _torch_rmsprop(model)

    def block():
        total = torch.zeros(())
        for rows in torch.from_numpy(shuffled_rows(settings)):
            batch = data[rows]
            logits, mean, log_var = model(batch)
            error = functional.binary_cross_entropy_with_logits(
                logits, batch, reduction="sum"
            )
            kl = 0.5 * torch.sum(mean**2 + log_var.exp() - log_var - 1)
            loss = (error + kl) / len(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return total.item() / settings.steps

    return block


def raw_pytorch_model():
    import torch
    from torch import nn

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(DIMS, HIDDEN)
            self.mean = nn.Linear(HIDDEN, LATENTS)
            self.log_var = nn.Linear(HIDDEN, LATENTS)
            self.decoder = nn.Sequential(
                nn.Linear(LATENTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, DIMS)
            )

        def forward(self, x):
            hidden = torch.relu(self.hidden(x))
            mean, log_var = self.mean(hidden), self.log_var(hidden)
            noise = torch.randn_like(mean)
            z = mean + torch.exp(log_var / 2) * noise
            return self.decoder(z), mean, log_var

    return Autoencoder()


def _torch_rmsprop(model):
    import torch

    return torch.optim.RMSprop(
        model.parameters(), LEARNING_RATE, alpha=DECAY, eps=EPSILON
    )


def _tensorflow(prepare, **options):
    prepare = functools.partial(prepare, **options)
    return Entry("tensorflow", ("keras", "tensorflow"), prepare)


PYTHAE_STEP = "pythae, bare step"
PYTHAE_TRAINER = "pythae, its trainer"
RAW_PYTORCH = "raw PyTorch"

CONTENDERS = {
    "ours, TensorFlow, fit": _tensorflow(ours_fit),
    "ours, TensorFlow, fit, jit_compile=False": _tensorflow(
        ours_fit, jit_compile=False
    ),
    "ours, TensorFlow, fit, steps_per_execution=20": _tensorflow(
        ours_fit, steps_per_execution=20
    ),
    "ours, TensorFlow, step": _tensorflow(ours_tensorflow_step),
    "ours, JAX, fit": Entry("jax", ("keras", "jax"), ours_fit),
    "ours, JAX, step": Entry("jax", ("keras", "jax"), ours_jax_step),
    "ours, torch, fit": Entry("torch", ("keras", "torch"), ours_fit),
    "ours, torch, step": Entry("torch", ("keras", "torch"), ours_torch_step),
    PYTHAE_TRAINER: Entry("torch", ("pythae", "torch"), pythae_trainer),
    PYTHAE_STEP: Entry("torch", ("pythae", "torch"), pythae_step),
    RAW_PYTORCH: Entry("torch", ("torch",), raw_pytorch),
}


if __name__ == "__main__":
    workers.work(CONTENDERS, *sys.argv[1:])
