"""Models to and from files: `.keras`, SavedModel and ONNX."""

import importlib
import pathlib
import zipfile

import keras

from keras_capsvae import Classifier


def load_model(path):
    """Reload a model from a `.keras` file or a SavedModel folder.

    Args:
        path: Path of either.

    Returns:
        The compiled `keras.Model`, or what `tf.saved_model.load` gives, with
        the endpoints that its export wrote.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If what is there is neither, or is damaged.

    Example:

    >>> model = load_model("runs/dense_vae/model.keras")
    >>> served = load_model("runs/dense_vae/saved_model")
    >>> z_mean, z_log_var = served.encode(images)
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no model at {path}")
    if path.is_dir():
        return _load_saved_model(path)
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"Expected a `.keras` file or a SavedModel folder. Received: "
            f"{path}, which is another kind of file or a damaged one"
        )
    try:
        return keras.saving.load_model(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"The model in {path} is damaged, or made of classes that are not "
            f"imported: {error}"
        ) from error


def export_onnx(model, folder):
    """Write a model into a folder in the ONNX format.

    A VAE becomes `encoder.onnx` and `decoder.onnx`: as a whole it draws noise,
    for which ONNX has no operation that keeps a seed. A classifier becomes
    `classifier.onnx`. Needs the `onnx` extra.

    Args:
        model: A model of the zoo.
        folder: Where to; made if missing.

    Returns:
        The paths of the files.

    Raises:
        ImportError: If the extra is not installed.
    """
    _require_onnx()
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    if isinstance(model, Classifier):
        parts = {"classifier": model}
    else:
        parts = {"encoder": model.encoder, "decoder": model.decoder}
    for name, part in parts.items():
        path = folder / f"{name}.onnx"
        part.export(path, format="onnx", verbose=False)
        paths.append(path)
    return paths


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
        raise ValueError(
            f"Expected a SavedModel folder. Received: {path}, which has no "
            "saved_model.pb"
        )
    import tensorflow as tf

    try:
        return tf.saved_model.load(str(path))
    except (OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"The SavedModel in {path} is damaged: {error}"
        ) from error
