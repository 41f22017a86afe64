"""How the data of a run are read: what was asked for and found in them."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from keras_capsvae.validation.numbers import check_integer

SIDES = re.compile(r"(\d+)(?:\s*[x×X,]\s*(\d+))?")


@dataclasses.dataclass(frozen=True)
class Reading:
    """How data are read.

    Attributes:
        resize: `"64"` or `"40x56"`, height × width, that images are resized to;
            `None`: their own.
        grey: Whether coloured images are turned grey.
        image_shape: Shape that the images then have, before a model takes them
            flat; `None` where that is not known.
        skip_broken: Whether to leave out images that cannot be decoded.
        class_names: The classes in the order of their labels; `None`: those of
            the data.
        text_column, label_column: Of a table; `None`: those of usual names.
        category_columns, ignore_columns: Of a table of numbers, with commas
            between names; `None`: none.
        columns: What the columns of a table of numbers were in a run; `None`:
            what they are.
        text_length: Characters of a text that a classifier reads; `None`: 400.
        encoding: Of texts; `None`: detected.
    """

    resize: str | None = None
    grey: bool = False
    image_shape: tuple[int, ...] | None = None
    skip_broken: bool = False
    class_names: list[str] | None = None
    text_column: str | None = None
    label_column: str | None = None
    category_columns: str | None = None
    ignore_columns: str | None = None
    columns: Mapping[str, Any] | None = None
    text_length: int | None = None
    encoding: str | None = None

    @classmethod
    def of(cls, settings: Any) -> "Reading":
        """That of the settings of a run, or of a dict of some of them."""
        if not isinstance(settings, Mapping):
            settings = dataclasses.asdict(settings)
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{k: settings[k] for k in names if k in settings})

    @property
    def asked_shape(self) -> tuple[int | None, ...] | None:
        """What `datasets.load` takes of what was asked for, `None` of nothing.

        >>> Reading(resize="40x56").asked_shape, Reading(grey=True).asked_shape
        ((40, 56, None), (None, None, 1))
        """
        if self.resize is None and not self.grey:
            return None
        sides = (None, None) if self.resize is None else sides_of(self.resize)
        return (*sides, 1 if self.grey else None)

    @property
    def of_texts(self) -> dict[str, Any]:
        """The arguments of `datasets.load_texts` beside the length."""
        return {"text_column": self.text_column, "encoding": self.encoding}

    @property
    def of_tables(self) -> dict[str, Any]:
        """The arguments of `datasets.labelled_classes`."""
        return {
            **self.of_texts,
            "label_column": self.label_column,
            "skip_broken": self.skip_broken,
        }

    @property
    def of_rows(self) -> dict[str, Any]:
        """The arguments of `rows.read_rows`."""
        return {
            "columns": self.columns,
            "label_column": self.label_column,
            "category_columns": self.category_columns or (),
            "ignore_columns": self.ignore_columns or (),
            "skip_broken": self.skip_broken,
            "encoding": self.encoding,
        }

    @property
    def of_files(self) -> dict[str, Any]:
        """The arguments of `datasets.load` beside the shape."""
        return {
            "skip_broken": self.skip_broken,
            "class_names": self.class_names,
        }


AS_THEY_ARE = Reading()


def sides_of(text: Any) -> tuple[int, int]:
    """Height and width of `"40x56"`, or of one number for both.

    Raises:
        ValueError: If it is neither.

    >>> sides_of("40x56"), sides_of(64)
    ((40, 56), (64, 64))
    """
    if isinstance(text, list | tuple):
        text = "x".join(map(str, text))
    found = SIDES.fullmatch(str(text).strip())
    if found is None or isinstance(text, bool):
        raise ValueError(
            "Sides must be one number or height and width, as 64 or 40x56. "
            f"Received: {text!r}"
        )
    height, width = found[1], found[2] or found[1]
    return check_integer("height", int(height)), check_integer(
        "width", int(width)
    )
