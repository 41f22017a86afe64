"""The prior over the codes of a run's model, fitted after its training."""

import keras

from keras_capsvae import CodeAutoencoder
from keras_capsvae.models.fitted_codes import FittedCodes
from keras_capsvae.validation.numbers import check_positive
from zoo import datasets
from zoo.datasets import run_feeds
from zoo.datasets.feeds import test_images
from zoo.datasets.feeds import training_pair
from zoo.runs import interrupts
from zoo.runs.folder import RunFolder
from zoo.runs.histories import held_out_name
from zoo.runs.progress import Progress
from zoo.settings import Settings

RATE = 1e-3  # of learning, where none is given


def check(settings: Settings, model: keras.Model) -> None:
    """Raise where a prior is asked for that the model cannot have.

    Raises:
        ValueError: If so.
        TypeError: If a size of it is no integer.
    """
    if settings.prior_epochs and not isinstance(model, CodeAutoencoder):
        raise ValueError(
            "`prior_epochs` (--prior-epochs) fits the prior of a model of "
            f"codes, such as vq_vae. Received: {settings.model} with "
            f"prior_epochs={settings.prior_epochs}"
        )
    if settings.prior_epochs:
        _new_prior(model, settings)


def check_as_begun(
    settings: Settings, model: keras.Model, folder: RunFolder
) -> None:
    """Raise where a prior that was begun is asked to go on as another.

    Raises:
        ValueError: If so.
    """
    if not (settings.prior_epochs and folder.prior.is_file()):
        return
    nets = _new_prior(model, settings), keras.saving.load_model(folder.prior)
    asked, begun = (
        net.get_config() | {"rate": float(net.optimizer.learning_rate)}
        for net in nets
    )
    different = [
        f"{name}={asked[name]} instead of {begun[name]}"
        for name in asked
        if asked[name] != begun[name]
    ]
    if different:
        raise ValueError(
            "A prior goes on as it began (--set-prior); without "
            f"{folder.prior} another one begins. Received: "
            f"{', '.join(different)}"
        )


def forget(folder: RunFolder, model: keras.Model) -> None:
    """Drop a prior: it is of codes that further training changes."""
    folder.prior.unlink(missing_ok=True)
    if isinstance(model, CodeAutoencoder):
        model.fitted_prior = None


def fit(
    model: keras.Model,
    folder: RunFolder,
    settings: Settings,
    progress: Progress,
) -> None:
    """Fit the prior that the settings ask for into `model.keras`.

    `prior.keras` holds its whole state after each epoch: a fit that is stopped
    goes on from there as without a stop.
    """
    epochs = settings.prior_epochs
    if not epochs:
        return
    if folder.prior.is_file():
        net = keras.saving.load_model(folder.prior)
    else:
        net = _new_prior(model, settings)
    codes, held_out = _codes(model, settings)
    steps = -(-len(codes[0]) // settings.batch_size)
    done = int(net.optimizer.iterations) // steps
    progress.skip(min(done, epochs))
    if done >= epochs and model.fitted_prior is not None:
        return
    if done < epochs:
        progress.name = f"{progress.name} prior".strip()
        told = progress.callback(held_out_name(settings.keeps_best))
        with interrupts.between_steps() as stop:
            net.fit_codes(
                codes,
                epochs,
                settings.batch_size,
                held_out,
                verbose=0,
                seed=settings.seed,
                initial_epoch=done,
                callbacks=[_SavePrior(folder), told, stop],
            )
    model.fitted_prior = FittedCodes(net)
    folder.save(model, folder.model)


def _new_prior(model, settings):
    arguments = dict(settings.prior_arguments)
    rate = arguments.pop("learning_rate", RATE)
    net = model.new_prior(settings.seed, **arguments)
    net.compile_for(check_positive("learning_rate", rate))
    return net


class _SavePrior(keras.callbacks.Callback):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        self.folder.save(self.model, self.folder.prior)


def _codes(model, settings):
    """Those of the training images and, if there are some, of the test.

    With the conditions that the prior depends on.
    """
    arrays = run_feeds.arrays_of_run(model, settings)
    x, held_out = arrays.x_train, None
    if settings.binarize:
        x = datasets.binarized(x)
    codes = _encoded(model, x, arrays.y_train)
    if arrays.x_test is not None and len(arrays.x_test):
        images = test_images(arrays, settings.binarize)
        held_out = _encoded(model, images, arrays.y_test)
    return codes, held_out


def _encoded(model, images, labels):
    inputs, _ = training_pair(model, images, labels)
    return model.codes_under_conditions(inputs)
