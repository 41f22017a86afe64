"""The formats that `export` writes, and what they are called."""

import pathlib
from typing import Any
from typing import NamedTuple

from zoo.cards import Card
from zoo.cli import writing

SAVED_MODEL = "saved_model"
SUFFIXES = {
    "keras": ".keras",
    "weights": ".weights.h5",
    "onnx": ".onnx",
    "litert": ".tflite",
}
OF_PARTS = ("vae", "poem")  # families whose models become PARTS
PARTS = ("encoder", "decoder")
ALWAYS_A_FILE = ("keras", "weights")
FORMATS = [SAVED_MODEL, *SUFFIXES]


class Target(NamedTuple):
    """Where an export goes, in which format, and whether as one file."""

    path: pathlib.Path
    kind: str
    is_file: bool


def target_of(out: pathlib.Path, kind: str | None) -> Target:
    """The target of `--out` and `--format`, its suffix added where it lacks.

    Raises:
        ValueError: If the suffix is that of another format.
    """
    name = out.name.lower()
    said = [one for one, end in SUFFIXES.items() if name.endswith(end)]
    if not said and out.suffix.lower() in (".h5", ".hdf5"):
        raise ValueError(
            "--out must end in .weights.h5 for weights alone, or in .keras for "
            f"a model. Received: {out}"
        )
    kind = kind or (said[0] if said else SAVED_MODEL)
    if said and said[0] != kind:
        expected = (
            f"end in {SUFFIXES[kind]}" if kind in SUFFIXES else "be a folder"
        )
        raise ValueError(
            f"--out must {expected} with --format {kind}. Received: {out}"
        )
    if kind in ALWAYS_A_FILE and not said:
        out = out.with_name(out.name + SUFFIXES[kind])
    return Target(out, kind, bool(said) or kind in ALWAYS_A_FILE)


def check_one_part(target: Target, card: Card | None) -> None:
    """Raise where a file is to hold what becomes several.

    Args:
        target: That of `target_of`.
        card: That of the model, where it is known before it is opened.

    Raises:
        ValueError: If so.
    """
    if card is not None and card.family in OF_PARTS:
        _check_one_part(target, card.name, PARTS)


def _check_one_part(target, name, parts):
    path, kind, is_file = target
    if is_file and kind not in ALWAYS_A_FILE and len(parts) > 1:
        names = " and ".join(f"{part}{SUFFIXES[kind]}" for part in parts)
        raise ValueError(
            f"{name} becomes {names}: give a folder, --format {kind} "
            f"--out {path.with_suffix('')}. Received: {path}"
        )


def check_free(target: Target, overwrite: bool) -> None:
    """Raise where something is in the way of an export.

    Raises:
        FileExistsError: If so.
    """
    path = target.path
    if target.is_file:
        writing.check_free(path, (path.suffix.lower(),), overwrite)
    elif path.is_file():
        raise FileExistsError(f"{path} exists already, and is a file")
    elif path.is_dir() and any(path.iterdir()) and not overwrite:
        raise FileExistsError(
            f"{path} exists already and holds files: --overwrite writes there"
        )


def write(target: Target, model: Any) -> list[pathlib.Path]:
    """Write a model, and return the paths of what was written."""
    from zoo import export

    path, kind, is_file = target
    if kind == SAVED_MODEL:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.export(path)
        return [path]
    write_parts = {"onnx": export.export_onnx, "litert": export.export_litert}
    if not is_file:
        return write_parts[kind](model, path)
    if kind == "keras":
        writing.write(path, model.save)
    elif kind == "weights":
        writing.write(path, model.save_weights)
    else:
        parts = export.exported_parts(model)
        _check_one_part(target, model.name, parts)
        (part,) = parts.values()
        writing.write(path, lambda place: export.write_part(part, place, kind))
    return [path]
