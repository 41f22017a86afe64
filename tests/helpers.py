"""Contract checks of layers and builders, and tools that the tests share."""

import contextlib
import functools
import json
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.outputs import as_x
from tests.outputs import drawn_by
from tests.outputs import outputs_of
from tests.outputs import served_of
from zoo.datasets import feeds

BACKEND = keras.backend.backend()
SIXTEEN_BIT_POLICIES = ("mixed_float16", "mixed_bfloat16")
BATCH = 5
# Of gradients against differences. Rounding of float32 differs from processor
# to processor; float64 shows the formula, but JAX has it behind a switch alone.
TOLERANCES = [("float32", 1e-4), ("float64", 1e-5)]
if BACKEND == "jax":
    TOLERANCES.pop()

tensorflow_only = pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="SavedModels and tf.data are tested on the TensorFlow backend",
)


def gradient(function, *arrays):
    """Gradients of a scalar function by each of its arrays, in NumPy."""
    gradients = {
        "tensorflow": _tensorflow_gradient,
        "jax": _jax_gradient,
        "torch": _torch_gradient,
    }[BACKEND](function, arrays)
    return [ops.convert_to_numpy(one) for one in gradients]


def _tensorflow_gradient(function, arrays):
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(array) for array in arrays]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        value = function(*tensors)
    return tape.gradient(
        value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )


def _jax_gradient(function, arrays):
    import jax

    every = tuple(range(len(arrays)))
    return jax.grad(function, argnums=every)(*map(ops.array, arrays))


def _torch_gradient(function, arrays):
    import torch

    tensors = [ops.convert_to_tensor(array) for array in arrays]
    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    gradients = torch.autograd.grad(
        function(*tensors), tensors, allow_unused=True
    )
    return [
        torch.zeros_like(tensor) if one is None else one.detach()
        for one, tensor in zip(gradients, tensors)
    ]


def numpy_of(structure):
    """The same structure in NumPy, 16-bit floats as float32."""
    return keras.tree.map_structure(_numpy, structure)


def _numpy(tensor):
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    is_short = dtype in ("float16", "bfloat16")
    return ops.convert_to_numpy(
        ops.cast(tensor, "float32" if is_short else dtype)
    )


def upcoming_noise(seed_generator, shape, after=0):
    """The noise that the generator's owner draws next; leaves its state.

    Or that it draws `after` so many others.
    """
    copy = keras.random.SeedGenerator(0)
    copy.state.assign(seed_generator.state)
    for _ in range(after):
        copy.next()
    return ops.convert_to_numpy(keras.random.normal(shape, seed=copy))


def check_layer(cls, arguments, input_shape, **call):
    """Check what every layer of the package promises.

    Args:
        cls: The layer's class.
        arguments: Dict of its constructor's arguments.
        input_shape: Shape of its input without the batch, or a list of them.
        **call: Further keyword arguments of the call: shapes (without the
            batch) of tensors.
    """
    inputs = _random_tensors(input_shape)
    keywords = {name: _random_tensors(shape) for name, shape in call.items()}
    _check_config(cls, arguments)
    _check_shapes(cls(**arguments), inputs, keywords)
    for policy in SIXTEEN_BIT_POLICIES:
        _check_policy(cls, arguments, policy, inputs, keywords)
    model = _model_around(cls(**arguments), inputs, keywords)
    arrays = [*keras.tree.flatten(inputs), *keywords.values()]
    targets = np.random.default_rng(1).random((BATCH, 1), "float32")
    history = model.fit(arrays, targets, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    _check_reload(model, arrays)


def _check_config(cls, arguments):
    layer = cls(**arguments)
    config = json.loads(json.dumps(layer.get_config()))
    for name, value in arguments.items():
        if isinstance(value, (bool, int, float, str, type(None))):
            assert config[name] == value, f"{name} is not in the config"
    again = cls.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config


def _check_shapes(layer, inputs, keywords):
    eager = keras.tree.flatten(layer(inputs, **keywords))
    symbolic = keras.tree.flatten(
        layer(_symbolic(inputs), **_symbolic(keywords))
    )
    shapes = keras.tree.map_structure(lambda array: array.shape, inputs)
    computed = layer.compute_output_shape(shapes)
    computed = computed if isinstance(computed, list) else [computed]
    assert len(eager) == len(symbolic) == len(computed)
    for value, symbol, shape in zip(eager, symbolic, computed):
        assert tuple(value.shape) == tuple(shape)
        assert symbol.shape[0] is None
        assert tuple(value.shape)[1:] == tuple(symbol.shape)[1:]
        assert keras.backend.standardize_dtype(value.dtype) == symbol.dtype


def _check_policy(cls, arguments, policy, inputs, keywords):
    layer = cls(**arguments, dtype=policy)
    for output in keras.tree.flatten(layer(inputs, **keywords)):
        dtype = keras.backend.standardize_dtype(output.dtype)
        assert dtype == layer.compute_dtype, policy
        assert np.isfinite(numpy_of(output)).all(), policy


def _check_reload(model, arrays):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        model.save(path)
        expected = numpy_of(model(arrays))
        reloaded = keras.models.load_model(path)
    np.testing.assert_array_equal(numpy_of(reloaded(arrays)), expected)


def _model_around(layer, inputs, keywords):
    inputs, keywords = _symbolic(inputs), _symbolic(keywords)
    outputs = keras.tree.flatten(layer(inputs, **keywords))
    flat = [keras.layers.Flatten()(output) for output in outputs]
    joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    model = keras.Model(
        [*keras.tree.flatten(inputs), *keywords.values()],
        keras.layers.Dense(1)(joined),
    )
    model.compile("adam", "mean_squared_error", jit_compile=False)
    # TensorFlow traces a step twice that makes its optimizer's variables.
    model.optimizer.build(model.trainable_variables)
    return model


def _random_tensors(shape):
    random = np.random.default_rng(0)
    if isinstance(shape, list):
        return [_random(random, one) for one in shape]
    return _random(random, shape)


def _random(random, shape):
    return random.normal(size=(BATCH, *shape)).astype("float32")


def _symbolic(structure):
    return keras.tree.map_structure(
        lambda array: keras.Input(array.shape[1:]), structure
    )


def check_builder(name):
    """Check what every model of the zoo promises, at its defaults."""
    model = zoo.create_model(name, seed=0)
    assert model.compiled
    inputs, targets = random_data(model, count=6)
    _fit(model, inputs, targets)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        model.save(path)
        expected = numpy_of(outputs_of(model, inputs))
        received = outputs_in_fresh_process(path, inputs)
        reloaded = keras.models.load_model(path)
    assert len(received) == len(expected)
    for array, value in zip(received, expected):
        np.testing.assert_allclose(array, value, rtol=1e-5, atol=1e-6)
    steps = int(reloaded.optimizer.iterations)
    assert steps == int(model.optimizer.iterations) > 0
    _fit(reloaded, inputs, targets)
    assert int(reloaded.optimizer.iterations) > steps


def check_export(name):
    """Check the SavedModel of a model: its endpoints at batch 1 and 3."""
    import tensorflow as tf

    model = zoo.create_model(name, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        model.export(folder)
        served = tf.saved_model.load(folder)
        layer = keras.layers.TFSMLayer(folder, call_endpoint="serve")
        for count in (1, 3):
            inputs, _ = random_data(model, count)
            for received, expected in served_of(model, served, inputs):
                np.testing.assert_allclose(
                    received, expected, rtol=1e-5, atol=1e-5
                )
            shape = model.compute_output_shape(
                keras.tree.map_structure(np.shape, as_x(inputs))
            )
            once = layer(as_x(inputs))
            for output in (once, *drawn_by(model, served, inputs)):
                assert tuple(output.shape) == tuple(shape)
                assert np.isfinite(output).all()


def random_data(model, count, side=15):
    """Inputs (a list of arrays) and targets that the model can train on.

    Dims that the model leaves free are `side` long.
    """
    random = np.random.default_rng(0)
    x = _random_input(random, count, model.inputs[0], side)
    labels = random.integers(model.num_classes or 1, size=count)
    inputs, targets = feeds.training_pair(model, x, labels)
    return inputs if isinstance(inputs, list) else [inputs], targets


def _random_input(random, count, tensor, side):
    shape = (count, *(side if dim is None else dim for dim in tensor.shape[1:]))
    if "int" in tensor.dtype:
        return random.integers(2, size=shape).astype(tensor.dtype)
    return random.random(shape, "float32")


_FRESH_PROCESS = """
import sys

import keras
import numpy as np

from tests.outputs import outputs_of

for line in sys.stdin:
    path, inputs, outputs = line.split()
    inputs = list(np.load(inputs).values())
    model = keras.models.load_model(path)
    arrays = [keras.ops.convert_to_numpy(o) for o in outputs_of(model, inputs)]
    np.savez(outputs, *arrays)
    print("written", flush=True)
"""


@functools.cache
def _fresh_process():
    """A process that built no model; one for all tests, as it starts slowly."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            _FRESH_PROCESS,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=pathlib.Path(zoo.__file__).parents[1],
    )


def outputs_in_fresh_process(path, inputs):
    """`outputs_of` a saved model, that a process loads which built none."""
    given, made = path.with_name("inputs.npz"), path.with_name("outputs.npz")
    np.savez(given, *inputs)
    process = _fresh_process()
    print(path, given, made, file=process.stdin, flush=True)
    while (answer := process.stdout.readline()) not in ("written\n", ""):
        pass  # what models print
    assert answer, "the fresh process ended; its errors are above"
    return list(np.load(made).values())


def _fit(model, inputs, targets):
    """One epoch with a partial last batch, finite in all that it reports."""
    history = model.fit(as_x(inputs), targets, batch_size=4, verbose=0).history
    for name, values in history.items():
        assert np.isfinite(values).all(), name


@contextlib.contextmanager
def dtype_policy(name):
    """Build under a global dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
