"""What models of texts write into a run folder, as plain text."""

import functools
from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

from keras_capsvae import PoemAutoencoder
from keras_capsvae import TextClassifier
from zoo.plots.checks import names_of

COUNT = 20


@functools.singledispatch
def writer_of(model: keras.Model) -> Callable[..., list[str]] | None:
    """The method of a kind of model that writes new texts, if it does.

    It takes how many, `seed` and `temperature`.
    """
    return None


@writer_of.register
def _(model: PoemAutoencoder):
    return model.generate


@functools.singledispatch
def pages(
    model: keras.Model,
    ids: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
) -> dict[str, str]:
    """Name → text that shows what a kind of model does.

    Args:
        model: A model; those without `encode_text` have no pages.
        ids: Held-out ids. Defaults to `None`: only what needs none.
        labels: Their integer labels. Defaults to `None`.
        seed: Integer seed of what is generated. Defaults to 0.
        class_names: Strings, the names of the classes in the order of their
            labels. Defaults to `None`: the labels.

    Raises:
        ValueError: If the model is a classifier and there are no ids.
    """
    return {}


@pages.register
def _(model: TextClassifier, ids=None, labels=None, seed=0, class_names=None):
    if ids is None:
        raise ValueError(
            f"{model.name} classifies and writes nothing of its own: give "
            "texts (on the command line --data, e.g. --data tang)"
        )
    return {"predictions": _predictions(model, ids, labels, seed, class_names)}


@pages.register
def _(model: PoemAutoencoder, ids=None, labels=None, seed=0, class_names=None):
    shown = {"samples": _lines(model.generate(COUNT, seed=seed))}
    if ids is not None:
        texts = model.decode_text(ids[:COUNT])
        pairs = zip(texts, model.reconstruct(texts))
        shown["reconstructions"] = _lines(" → ".join(pair) for pair in pairs)
    return shown


def _predictions(model, ids, labels, seed, class_names):
    chosen = np.random.default_rng(seed).permutation(len(ids))[:COUNT]
    scores = keras.ops.convert_to_numpy(model.predict(ids[chosen], verbose=0))
    if model.vocabulary is None:
        texts = [" ".join(map(str, row)) for row in ids[chosen]]
    else:
        texts = model.vocabulary.decode(ids[chosen])
    names = names_of(class_names, scores.shape[1])
    kind = "class " * (class_names is None)
    lines = []
    for row, text, score in zip(chosen, texts, scores):
        guess = f"{kind}{names[score.argmax()]} ({score.max():.2f})"
        truth = "" if labels is None else f", labelled {names[labels[row]]}"
        lines.append(f"{text}  {guess}{truth}")
    return _lines(lines)


def _lines(lines):
    return "".join(f"{line}\n" for line in lines)
