"""What a person wants to know of a model before building it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Card:
    """What a person wants to know of a model before building it.

    `module` is the file of its builder in `zoo.models`. The title and
    description come in English and Chinese. `parameters` are the trained ones
    at the builder's defaults, `epochs` and `batch_size` those of the original
    training, `data` that of the shipped weights; `example_data` comes with the
    package. `resize` is the side that images of `data` are resized to, if the
    net cannot take their own.
    """

    name: str
    module: str
    title: str
    title_zh: str
    description: str
    description_zh: str
    family: str
    source: str
    paper: str
    inputs: str
    target: str
    parameters: int
    epochs: int
    batch_size: int
    data: str = "mnist"
    example_data: str = "mnist_small"
    resize: int | None = None

    def command(self) -> str:
        """The shell command that trains the model as the original was."""
        resize = f"--resize {self.resize} " if self.resize else ""
        return (
            f"python -m zoo train {self.name} --data {self.data} {resize}"
            f"--epochs {self.epochs}"
        )
