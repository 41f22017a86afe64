"""Models to and from files: `.keras`, SavedModel and ONNX."""

import functools
import importlib
import os
import pathlib
import re
import warnings
import zipfile
from typing import Any

import keras

from keras_capsvae import Classifier
from keras_capsvae import CodeAutoencoder
from keras_capsvae import VariationalAutoencoder
from keras_capsvae import Vocabulary
from keras_capsvae.models.earlier_files import EarlierFileError
from keras_capsvae.models.serving import EXTRA
from keras_capsvae.vocabulary import FILE as VOCABULARY
from zoo.run_files import MODEL

SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}
EXPECTED = "a `.keras` file, a SavedModel folder or a run folder"
HDF5 = b"\x89HDF\r\n\x1a\n"  # how each such file begins


def load_model(path: str | os.PathLike) -> Any:
    """Reload a model from a `.keras` file, a SavedModel or a run folder.

    Args:
        path: Path of one; of a run folder its `model.keras` is taken.

    Returns:
        The compiled `keras.Model`, or what `tf.saved_model.load` gives, with
        the endpoints that its export wrote and, of a model of texts, its
        `vocabulary`, which turns texts into ids and back.

    Raises:
        TypeError: If this is no path.
        FileNotFoundError: If there is nothing at the path.
        ValueError: If what is there is none of them, is damaged, or made of
            classes that are not imported.

    Example:

    >>> model = load_model("runs/dense_vae/model.keras")
    >>> served = load_model("runs/dense_vae/saved_model")
    >>> z_mean, z_log_var = served.encode(images)
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"`path` must be the path of {EXPECTED}. "
            f"Received: {path!r:.60} of type {type(path).__name__}"
        )
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no model at {path}")
    if (path / MODEL).is_file():
        path = path / MODEL
    if path.is_dir():
        return _load_saved_model(path)
    if not _is_keras_file(path):
        raise ValueError(
            f"`path` must be {EXPECTED}. Received: {path}, which is "
            + _other_kind_of_file(path)
        )
    try:
        return keras.saving.load_model(path)
    except EarlierFileError:
        raise
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"The model in {path} is damaged: {error}") from error
    except TypeError as error:  # What Keras raises for classes alone.
        raise ValueError(
            f"The model in {path} is made of classes that are not imported, or "
            f"that differ from those that were saved: {error}"
        ) from error


def _is_keras_file(path):
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "config.json" in archive.namelist()


def _other_kind_of_file(path):
    with open(path, "rb") as file:
        is_hdf5 = file.read(len(HDF5)) == HDF5
    if is_hdf5:
        return (
            "an HDF5 file: weights, which a builder takes as `weights`, or a "
            "model in the format before `.keras`"
        )
    return "another kind of file or a damaged one"


def export_onnx(
    model: keras.Model, folder: str | os.PathLike
) -> list[pathlib.Path]:
    """Write a model into a folder in the ONNX format.

    A VAE becomes `encoder.onnx` and `decoder.onnx`: as a whole it draws noise,
    for which ONNX has no operation that keeps a seed. A classifier becomes
    `classifier.onnx`. Needs the `onnx` extra.

    Args:
        model: A model of the zoo, or one composed of the same classes.
        folder: Where to; made if missing.

    Returns:
        The paths of the files.

    Raises:
        ImportError: If the extra is not installed.
    """
    return _export_parts(model, folder, "onnx")


def export_litert(
    model: keras.Model, folder: str | os.PathLike
) -> list[pathlib.Path]:
    """Write a model into a folder in the LiteRT (TFLite) format.

    As `export_onnx`: `encoder.tflite` and `decoder.tflite` of a VAE,
    `classifier.tflite` of a classifier. On the TensorFlow backend.

    Args:
        model: A model of the zoo, or one composed of the same classes.
        folder: Where to; made if missing.

    Returns:
        The paths of the files.

    Raises:
        RuntimeError: On another backend.
    """
    return _export_parts(model, folder, "litert")


def _export_parts(model, folder, kind):
    folder = pathlib.Path(folder)
    _require(kind)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, part in exported_parts(model).items():
        paths.append(folder / f"{name}{SUFFIXES[kind]}")
        write_part(part, paths[-1], kind)
    return paths


def write_part(part: keras.Model, path: pathlib.Path, kind: str) -> None:
    """Write what `exported_parts` gives to a file, `"onnx"` or `"litert"`."""
    _require(kind)
    part.export(path, format=kind, verbose=False)
    if kind == "onnx":
        _check_onnx(path)
    else:
        _warn_of_flex(path)


def _check_onnx(path):
    """tf2onnx writes operators that ONNX has not, with a line in the log."""
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except Exception as error:
        path.unlink()
        raise RuntimeError(
            f"ONNX cannot hold this model, and nothing is written: {error}"
        ) from error


def _warn_of_flex(path):
    """The converter falls back to operators of TensorFlow without a word."""
    found = set(re.findall(rb"Flex[A-Z]\w+", path.read_bytes()))
    if found:
        names = ", ".join(sorted(name.decode() for name in found))
        warnings.warn(
            f"{path} needs a LiteRT runtime with TensorFlow's own operators "
            f"({names}), which the plain one has not. Recurrent layers with "
            "unroll=True do without.",
            stacklevel=4,
        )


@functools.singledispatch
def exported_parts(model: keras.Model) -> dict[str, keras.Model]:
    """Name of the file → what of a model can be written as ONNX or LiteRT."""
    return {"model": model}


@exported_parts.register
def _(model: Classifier):
    return {"classifier": model}


@exported_parts.register
def _(model: VariationalAutoencoder):
    return {"encoder": model.encoder, "decoder": model.decoder}


@exported_parts.register
def _(model: CodeAutoencoder):
    return {"encoder": model.code_encoder(), "decoder": model.code_decoder()}


def _require(kind):
    if kind == "onnx":
        _require_onnx()
    elif keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            "A LiteRT file is written on the TensorFlow backend. Save the "
            "model to a .keras file, load that with KERAS_BACKEND=tensorflow "
            "and export it there. Received: backend "
            f"{keras.backend.backend()!r}"
        )


def _require_onnx():
    packages = ["onnx"]
    if keras.backend.backend() == "tensorflow":
        packages.append("tf2onnx")
    missing = [name for name in packages if not _is_installed(name)]
    if missing:
        raise ImportError(
            f"Export to ONNX needs {' and '.join(missing)}: "
            "pip install 'keras-capsvae[onnx]'"
        )


def _is_installed(package):
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def _load_saved_model(path):
    if not (path / "saved_model.pb").is_file():
        inside = sorted(one.name for one in path.glob("*.keras"))
        hint = f", but {inside[0]}, which can be loaded" if inside else ""
        raise ValueError(
            f"`path` must be {EXPECTED}. Received: the folder {path}, which "
            f"has no saved_model.pb{hint}"
        )
    import tensorflow as tf

    try:
        return _with_texts(_held(tf.saved_model.load(str(path))), path)
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"The SavedModel in {path} is damaged: {error}"
        ) from error


def _held(served):
    """A SavedModel whose endpoints keep its variables alive without it."""
    for endpoint in vars(served).values():
        if callable(endpoint):
            endpoint.owner = served
    return served


def _with_texts(served, path):
    """A SavedModel that knows its characters, where their file is beside it."""
    file = path / EXTRA / VOCABULARY
    if file.is_file():
        served.vocabulary = Vocabulary.from_json(file.read_text("utf-8"))
    return served
