"""How a builder compiles its model unless it is told otherwise."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Training:
    """How a builder compiles its model unless it is told otherwise.

    `metrics` are the metrics that it is compiled with; `xla` turns XLA on where
    Keras leaves it off: on TensorFlow without a GPU. `optimizer_options` are
    further arguments of the default optimizer. `adapts` tells a run to call
    `model.adapt` on the training data first.
    """

    optimizer: str
    learning_rate: float
    loss: type
    loss_options: dict = dataclasses.field(default_factory=dict)
    metrics: tuple[type, ...] = ()
    xla: bool = False
    optimizer_options: dict = dataclasses.field(default_factory=dict)
    adapts: bool = False

    def default_optimizer(self) -> dict:
        """The config that Keras makes the optimizer of."""
        config = {"learning_rate": self.learning_rate, **self.optimizer_options}
        return {"class_name": self.optimizer, "config": config}

    def described_optimizer(self) -> str:
        options = [f"{k}={v}" for k, v in self.optimizer_options.items()]
        of = f" with {', '.join(options)}" if options else ""
        return f"{self.optimizer!r}{of}"

    def default_loss(self) -> Any:
        return self.loss(**self.loss_options)

    def default_metrics(self) -> list | None:
        return [metric() for metric in self.metrics] or None

    def described_loss(self) -> str:
        options = [f"{key}={value}" for key, value in self.loss_options.items()]
        return f"{self.loss.__name__}({', '.join(options)})"

    def described_metrics(self) -> str:
        names = ", ".join(f"{metric.__name__}()" for metric in self.metrics)
        return f"[{names}]" if names else "None"
