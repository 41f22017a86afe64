"""The list of shipped weights, read without Keras."""

import json
import os
import pathlib

FOLDER = pathlib.Path(__file__).parent


def entries() -> dict[str, dict[str, dict]]:
    """Model name → tag → file, sha256, arguments, data, metrics, licence."""
    path = FOLDER / "manifest.json"
    if not path.exists():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def tags_of(name: str) -> dict[str, dict]:
    """The shipped weights of a model: tag → entry of the manifest."""
    return entries().get(name, {})


def made_for(name: str, weights: str | os.PathLike | None) -> dict:
    """The arguments of the net that the weights of this tag are for, if any.

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
    entry = tags_of(name).get(str(weights), {})
    return dict(entry.get("arguments", {}))
