"""How a builder compiles what it built."""

import keras

from keras_capsvae.private_keras import can_use_xla
from zoo.registry.training import Training

Optimizer = str | dict | keras.optimizers.Optimizer
LearningRate = float | keras.optimizers.schedules.LearningRateSchedule
Metrics = list[str | keras.metrics.Metric]

# Adam divides by √v + ε, and in float16 v is 0 for gradients below 8e-3: with
# its ε of 1e-7 a weight moves by more than 1 in a step.
FLOAT16_EPSILON = 1e-3


def compile_model(
    model: keras.Model,
    training: Training,
    *,
    optimizer: Optimizer | None = None,
    learning_rate: LearningRate | None = None,
    loss: str | keras.losses.Loss | None = None,
    metrics: Metrics | None = None,
    jit_compile: bool | str | None = None,
) -> None:
    """Compile a model with what is given, else with its `training`.

    Raises:
        ValueError: If a learning rate goes with an optimizer that has its own,
            or XLA cannot compile for the replicas that the model is built for.
    """
    model.compile(
        optimizer_of(training, optimizer, learning_rate),
        loss=training.default_loss() if loss is None else loss,
        metrics=training.default_metrics() if metrics is None else metrics,
        jit_compile=_uses_xla(model, training)
        if jit_compile is None
        else jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


def optimizer_of(
    training: Training,
    optimizer: Optimizer | None,
    learning_rate: LearningRate | None,
) -> keras.optimizers.Optimizer:
    """The optimizer with this name or config, at this rate or the default."""
    if isinstance(optimizer, keras.optimizers.Optimizer):
        if learning_rate is not None:
            raise ValueError(
                "`learning_rate` goes with the name of an optimizer; an "
                "instance has its own. Received: learning_rate="
                f"{learning_rate} with optimizer={optimizer!r}"
            )
        return optimizer
    if optimizer is None or optimizer == training.optimizer:
        made = keras.optimizers.get(training.default_optimizer())
        if keras.config.dtype_policy().variable_dtype == "float16":
            made.epsilon = max(made.epsilon, FLOAT16_EPSILON)
    else:
        made = keras.optimizers.get(optimizer)
        if isinstance(optimizer, str):
            made.learning_rate = training.learning_rate
    if learning_rate is not None:
        made.learning_rate = learning_rate
    return made


def _uses_xla(model, training):
    # Keras leaves XLA off on a CPU, where it makes some models faster.
    return True if training.xla and can_use_xla(model) else "auto"
