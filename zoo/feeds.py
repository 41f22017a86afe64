"""What a model is fed: arrays or streams in the form that it trains on."""

import dataclasses

import keras

from zoo import datasets


def image_shape(model):
    """Shape of the images that a model takes, without the batch."""
    return tuple(model.inputs[0].shape[1:])


def takes_labels(model):
    """Whether a model trains on labels, as input or as target."""
    return _is_conditional(model) or not hasattr(model, "encoder")


def training_pair(model, images, labels):
    """Inputs and targets of a model out of images and integer labels."""
    if _is_conditional(model):
        return [images, one_hot(labels, model.inputs[-1].shape[-1])], None
    return images, labels if takes_labels(model) else None


def one_hot(labels, num_classes):
    """One-hot labels, after a check of their range."""
    if labels is None:
        raise ValueError(
            "This model trains on labels. Received: data without labels"
        )
    if not 0 <= labels.min() <= labels.max() < num_classes:
        raise ValueError(
            f"Labels must lie in [0, {num_classes - 1}]. Received: labels in "
            f"[{labels.min()}, {labels.max()}]"
        )
    return keras.utils.to_categorical(labels, num_classes)


@dataclasses.dataclass(frozen=True)
class Feed:
    """Training data from a given epoch on, its steps, and validation data."""

    training: object
    steps: int
    validation: object


def feed(model, config):
    """The `Feed` of a model in a run of this `Config`."""
    return (_streams if config.streaming else _arrays)(model, config)


def _arrays(model, config):
    arrays = datasets.load(config.data, image_shape(model))
    batches = datasets.Batches(
        *training_pair(model, arrays.x_train, arrays.y_train),
        batch_size=config.batch_size,
        seed=config.seed,
    )
    validation = None
    if arrays.x_test is not None and len(arrays.x_test):
        validation = training_pair(model, arrays.x_test, arrays.y_test)
    return Feed(lambda epoch: batches, len(batches), validation)


def _streams(model, config):
    def stream(**options):
        data, steps = datasets.stream(
            config.data,
            image_shape(model),
            config.batch_size,
            seed=config.seed,
            labels=takes_labels(model),
            **options,
        )
        if _is_conditional(model):
            classes = model.inputs[-1].shape[-1]
            data = data.map(lambda x, y: ((x, keras.ops.one_hot(y, classes)),))
        return data, steps

    return Feed(
        lambda epoch: stream(initial_epoch=epoch)[0],
        stream()[1],
        stream(split="test", shuffle=False)[0],
    )


def _is_conditional(model):
    return getattr(model, "prior", None) is not None
