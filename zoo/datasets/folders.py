"""Folders of images: sub-folders are classes, or a flat folder has none."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.datasets.splits import held_out

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


class Files(NamedTuple):
    """Paths of images and, where the folder has classes, labels and names."""

    paths: np.ndarray
    labels: np.ndarray | None
    class_names: list[str] | None


def train_and_test_files(folder: str | os.PathLike) -> tuple[Files, Files]:
    """Returns the `Files` to train on and the `Files` to test on.

    They are those of the sub-folders `train` and `test` where these two are
    all that the folder holds, or else a seeded 90/10 split of the whole.
    """
    folder = Path(folder)
    names = [child.name for child in _sub_folders(folder)]
    if names == ["test", "train"]:
        class_names = _class_names(folder / "train")
        return (
            _list_files(folder / "train", class_names),
            _list_files(folder / "test", class_names),
        )
    files = _list_files(folder, _class_names(folder))
    train, test = held_out(len(files.paths), folder)
    return _take(files, train), _take(files, test)


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
    if bool(folders) != bool(class_names):
        raise ValueError(
            "`train` and `test` must both have one sub-folder per class or "
            f"both have none. Received: {folder.parent}"
        )
    if not folders:
        return Files(_paths(loose, folder), None, None)
    return _list_classes(folders, class_names)


def _list_classes(folders, class_names):
    paths, labels = [], []
    for folder in folders:
        if folder.name not in class_names:
            raise ValueError(
                "Folders of `test` must be classes of the training images, "
                f"{class_names}. "
                f"Received: {folder}"
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
    return sorted(
        child
        for child in folder.iterdir()
        if child.suffix.lower() in SUFFIXES and not child.name.startswith(".")
    )


def _sub_folders(folder):
    return sorted(
        child
        for child in folder.iterdir()
        if child.is_dir() and not child.name.startswith(".")
    )


def _take(files, rows):
    labels = None if files.labels is None else files.labels[rows]
    return files._replace(paths=files.paths[rows], labels=labels)
