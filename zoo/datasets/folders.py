"""Folders of images: sub-folders are classes, or a flat folder has none."""

import collections
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

import numpy as np

from zoo.datasets.headers import EIGHT_BITS
from zoo.datasets.headers import check_decodable
from zoo.datasets.headers import header_of
from zoo.datasets.images import problem_of
from zoo.datasets.labels import shortened
from zoo.datasets.splits import held_out

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jfif"),
    *(".bmp", ".gif", ".webp", ".tif", ".tiff"),
)
SIDES_TAKEN = 32  # multiples, of deep_conv_vae, which halves five times
TESTS = ("test", "val", "valid", "validation")  # the first one found
# Images of other kinds, and of cameras: left out with a word.
UNREAD = (
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd"),
    *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".raw"),
)


class Files(NamedTuple):
    """Paths of images and, where the folder has classes, labels and names."""

    paths: np.ndarray
    labels: np.ndarray | None
    class_names: list[str] | None


def train_and_test_files(
    folder: str | os.PathLike,
    *,
    skip_broken: bool = False,
    class_names: Sequence[str] | None = None,
) -> tuple[Files, Files]:
    """Return the `Files` to train on and the `Files` to test on.

    They are those of the sub-folders `train` and `test` where these two are
    all that the folder holds, or else a seeded 90/10 split of the whole.
    `val`, `valid` or `validation` may stand for `test`; beside it they are left
    out, with a warning.

    Args:
        folder: Path.
        skip_broken: Whether to leave out images that cannot be decoded, with a
            warning that names them. It decodes all. Defaults to `False`.
        class_names: The classes that sub-folders must be among, in the order
            of their labels. Defaults to `None`: the sub-folders, sorted.
    """
    folder = Path(folder)
    parts = [folder / name for name in parts_of(folder)]
    names = class_names or _class_names(parts[0])
    listed = [_list_files(part, names) for part in parts]
    if len({files.labels is None for files in listed}) > 1:
        raise ValueError(
            f"`{parts[0].name}` and `{parts[1].name}` must both have one "
            f"sub-folder per class or both have none. Received: {folder}"
        )
    if skip_broken:
        listed = [_decodable(files, folder) for files in listed]
    if len(listed) > 1:
        return listed[0], listed[1]
    (files,) = listed
    train, test = held_out(len(files.paths), folder, labels=files.labels)
    return _take(files, train), _take(files, test)


def common_shape(
    train: Files, test: Files, shape: tuple[int | None, ...] | None, folder: Any
) -> tuple[int, int, int]:
    """Shape that the images of a folder have in common, from their headers.

    Grey images among coloured ones count as coloured. That, and what becomes of
    transparent pixels, is said in a warning.

    Args:
        train, test: Their files.
        shape: What they are to be given, `None` for sizes of their own; where
            it has both sides, those of the first image stand for the others.
        folder: What a message says of where they are.

    Raises:
        ValueError: If images have several sizes of which none is asked for,
            more than 8 bits a channel, or cannot be decoded.
    """
    paths = [*train.paths, *test.paths]
    headers = [header_of(path) for path in paths]
    if any(header.problem for header in headers):
        check_decodable(paths, [problem_of(path) for path in paths], folder)
    _check_depth(paths, headers, folder)
    channels = max(header.channels for header in headers)
    sizes = collections.Counter((one.height, one.width) for one in headers)
    if len(sizes) > 1 and (shape is None or None in shape[:2]):
        raise ValueError(_several_sizes(sizes, channels, folder))
    grey = sum(header.channels < channels for header in headers)
    if grey and (shape is None or len(shape) == 1 or shape[2] != 1):
        _tell(
            f"{grey} of {len(paths)} images in {folder} are grey, the others "
            "coloured: their values are repeated in 3 channels"
        )
    transparent = sum(header.has_alpha for header in headers)
    if transparent:
        _tell(
            f"{transparent} of {len(paths)} images in {folder} have an alpha "
            "channel: they are laid on white"
        )
    return headers[0].height, headers[0].width, channels


def _check_depth(paths, headers, folder):
    deep = [path for path, one in zip(paths, headers) if one.is_deep]
    if deep:
        raise ValueError(
            f"{EIGHT_BITS}. Received: {len(deep)} of {len(paths)} images in "
            f"{folder} with more: {shortened(deep, 3)}. Scale them to 8 bits, "
            "or to floats in [0, 1] in an .npz file, to lose nothing"
        )


def _several_sizes(sizes, channels, folder):
    common = [
        f"{count} of {height} × {width}"
        for (height, width), count in sizes.most_common()
    ]
    height, width = map(_taken, sizes.most_common(1)[0][0])
    return (
        f"Images must have one size. Received: {shortened(common)} (height × "
        f"width) in {folder}. --resize {height}x{width} (`shape=({height}, "
        f"{width}, {channels})` in Python) gives them one that every model "
        "takes"
    )


def _taken(side):
    """The nearest side that every model takes."""
    return SIDES_TAKEN * max(1, round(side / SIDES_TAKEN))


def _tell(message):
    warnings.warn(message, stacklevel=1)


def parts_of(folder: Path) -> list[str]:
    """Names of the sub-folders to train and test on; "." for the whole."""
    names = {child.name.lower(): child.name for child in _sub_folders(folder)}
    if "train" not in names or not set(names) <= {"train", *TESTS}:
        return ["."]
    tests = [names[name] for name in TESTS if name in names]
    if tests[1:]:
        warnings.warn(
            f"{folder} has {', '.join(tests)} beside {names['train']}: "
            f"{tests[0]} is the test, the rest is left out",
            stacklevel=1,
        )
    return [names["train"], *tests[:1]]


def _decodable(files, folder):
    problems = {path: problem_of(path) for path in files.paths}
    broken = [f"{path} ({why})" for path, why in problems.items() if why]
    if broken:
        warnings.warn(
            f"{len(broken)} of {len(files.paths)} images in {folder} cannot be "
            f"decoded and are left out: {shortened(broken)}",
            stacklevel=1,
        )
    rows = np.flatnonzero([not problem for problem in problems.values()])
    if not len(rows):
        raise ValueError(
            "There must be an image that can be decoded. Received: "
            f"{len(broken)} in {folder}, of which none can"
        )
    return _take(files, rows)


def _class_names(folder):
    return [child.name for child in _sub_folders(folder)]


def _list_files(folder, class_names):
    loose = _images_in(folder)
    folders = _sub_folders(folder)
    if loose and folders:
        raise ValueError(
            "A folder must hold either one sub-folder per class or images "
            "alone. "
            f"Received: {folder} with both, {loose[0].name} for one"
        )
    if not folders:
        return Files(_paths(loose, folder), None, None)
    return _list_classes(folders, class_names)


def _list_classes(folders, class_names):
    paths, labels = [], []
    for folder in folders:
        if folder.name not in class_names:
            raise ValueError(
                "Sub-folders must be classes of the training images, "
                f"{shortened(class_names)}. Received: {folder}"
            )
        paths.append(_paths(_images_in(folder), folder))
        labels += [class_names.index(folder.name)] * len(paths[-1])
    return Files(np.concatenate(paths), np.array(labels, "int64"), class_names)


def _paths(images, folder):
    if not images:
        raise ValueError(
            f"Every folder must hold images ({', '.join(SUFFIXES)}). "
            f"Received: {folder} without any"
        )
    return np.array([str(image) for image in images])


def _images_in(folder):
    files = sorted(
        child for child in folder.iterdir() if not child.name.startswith(".")
    )
    unread = [file for file in files if file.suffix.lower() in UNREAD]
    if unread:
        warnings.warn(
            f"{len(unread)} images in {folder} are of a kind that is not read "
            f"and are left out: {shortened([file.name for file in unread], 3)}",
            stacklevel=1,
        )
    return [file for file in files if file.suffix.lower() in SUFFIXES]


def _sub_folders(folder):
    return sorted(
        child
        for child in folder.iterdir()
        if child.is_dir() and not child.name.startswith(".")
    )


def _take(files, rows):
    labels = None if files.labels is None else files.labels[rows]
    return files._replace(paths=files.paths[rows], labels=labels)
