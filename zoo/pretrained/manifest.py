"""The list of shipped weights, read without Keras."""

import json
import os
import pathlib

from zoo import run_files

FOLDER = pathlib.Path(__file__).parent
# Arguments of builders that say nothing of the net that weights are for.
OF_TRAINING = (
    "capacity",
    "free_bits",
    "gradient",
    "input_range",
    "kl_weight",
    "name",
    "num_samples",
    "regulariser",
    "rematerialize",
)


def entries() -> dict[str, dict[str, dict]]:
    """Model name → tag → file, sha256, arguments, data, metrics, licence."""
    path = FOLDER / "manifest.json"
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def tags_of(name: str) -> dict[str, dict]:
    """The shipped weights of a model: tag → entry of the manifest."""
    return entries().get(name, {})


def file_of(name: str, weights: str | os.PathLike) -> pathlib.Path:
    """The file of weights: of a tag, of a run folder, or one's own.

    Raises:
        ValueError: If there is neither such a tag nor such a file.
    """
    tags = tags_of(name)
    if str(weights) in tags:
        return FOLDER / tags[str(weights)]["file"]
    path = pathlib.Path(weights)
    if path.is_dir():
        path = path / run_files.MODEL
    if not path.is_file():
        raise ValueError(
            f"`weights` must be None, a tag out of {sorted(tags)} or the "
            f"path of a file. Received: weights={str(weights)!r}"
        )
    return path


def made_for(name: str, weights: str | os.PathLike | None) -> dict:
    """The arguments of the net that weights are for, where they are known.

    They are those of a tag, and of the run in whose folder a model lies.

    Raises:
        TypeError: If `weights` is neither a tag nor a path.
    """
    if weights is None:
        return {}
    if not isinstance(weights, (str, os.PathLike)):
        raise TypeError(
            f"`weights` must be None, a tag out of {sorted(tags_of(name))} or "
            f"the path of a file. Received: weights={weights!r:.40} of type "
            f"{type(weights).__name__}"
        )
    entry = tags_of(name).get(str(weights))
    if entry is None:
        return _arguments_of_run(name, pathlib.Path(weights))
    return dict(entry["arguments"])


def _arguments_of_run(name, path):
    """Of the net, those with which the run in this folder built it."""
    folder = path if path.is_dir() else path.parent
    config = folder / run_files.CONFIG
    if (folder / run_files.MODEL) not in (path, path / run_files.MODEL):
        return {}
    if not config.is_file():
        return {}
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
        arguments = settings["arguments"] if settings["model"] == name else {}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{config} is damaged ({error})") from error
    return {k: v for k, v in arguments.items() if k not in OF_TRAINING}
