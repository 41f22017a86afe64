"""The cases of `gpu.py` on one backend, in a process of its own.

Each line of the standard input is a case as JSON, each line of the output what
came of it. The first line of the output tells of the device.
"""

import dataclasses
import importlib
import json
import os
import sys
import time
from unittest import mock

import dense_vae_contenders as peers
import numpy as np
import workers

PEERS = {"raw PyTorch": peers.RAW_PYTORCH, "pythae": peers.PYTHAE_STEP}
# Where the votes are cut into blocks, by the net that shows what it costs.
BLOCKS = {
    "capsnet": "keras_capsvae.layers.votes",
    "matrix_capsnet": "keras_capsvae.layers.em_capsules",
}
SIDE, LENGTH = 28, 10  # of images and texts whose nets take any


@dataclasses.dataclass(frozen=True)
class Case:
    """A net or a peer, how it is compiled, and how long it is timed."""

    net: str
    jit_compile: bool | None = None
    blocks: float | None = None  # factor of the votes that a block holds
    batch_size: int | None = None
    steps: int = 40
    steps_per_execution: int = 1


def answer_to(case):
    """Milliseconds of a step, peak memory and the loss at its end."""
    if case.net in PEERS:
        return peer(case)
    if case.blocks is None:
        return trained(case)
    from keras_capsvae.routing.blocks import limit_of_device

    module = importlib.import_module(BLOCKS[case.net])
    values = max(1, int(module.BLOCK_VALUES * case.blocks))
    with mock.patch.object(module, "BLOCK_VALUES", values):
        return {**trained(case), "block_values": limit_of_device(values)}


def trained(case):
    import keras

    import zoo
    from zoo.cards import card_of

    keras.utils.clear_session()
    batch = case.batch_size or card_of(case.net).batch_size
    model = zoo.create_model(case.net, jit_compile=case.jit_compile, seed=0)
    model.steps_per_execution = case.steps_per_execution
    x, y = data(model, batch * case.steps)
    options = {"batch_size": batch, "shuffle": False, "verbose": 0}
    reset_peak()
    model.fit(x, y, **options)
    began = time.perf_counter()
    history = model.fit(x, y, **options).history
    seconds = time.perf_counter() - began
    return measured(seconds, case.steps, batch, history["loss"][-1])


def peer(case):
    name = PEERS[case.net]
    entry = peers.CONTENDERS[name]
    missing = workers.missing_packages(entry)
    if missing:
        return {"trouble": f"missing: {', '.join(missing)}"}
    batch = case.batch_size or workers.Settings.batch_size
    settings = workers.Settings(batch_size=batch, steps=case.steps)
    reset_peak()
    block = entry.prepare(workers.images(settings), settings)
    block()
    began = time.perf_counter()
    loss = block()
    seconds = time.perf_counter() - began
    return measured(seconds, case.steps, batch, loss)


def measured(seconds, steps, batch, loss):
    return {
        "ms": 1e3 * seconds / steps,
        "batch_size": batch,
        "peak_mb": peak_mb(),
        "loss": float(loss),
    }


def data(model, count):
    """Random inputs and targets of the form that a model trains on."""
    from keras_capsvae import Classifier
    from keras_capsvae.models.embedded_ids import count_of_ids
    from zoo.datasets import feeds

    random = np.random.default_rng(0)
    first = model.inputs[0]
    ids = count_of_ids(model, first)
    usual = SIDE if ids is None else LENGTH
    shape = (count, *(side or usual for side in first.shape[1:]))
    x = random.random(shape, "float32")
    if ids is not None:
        x = random.integers(1, ids, shape)
    classes = feeds.label_classes(model)
    if isinstance(model, Classifier):
        classes = model.num_classes
    labels = random.integers(classes or 1, size=count)
    return feeds.training_pair(model, x, labels)


def device():
    """Name of the accelerator or processor, versions, and nets of the zoo."""
    import keras

    import zoo

    backend = keras.backend.backend()
    name = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend]()
    framework = importlib.import_module(backend)
    versions = {"keras": keras.__version__, backend: framework.__version__}
    return {
        "backend": backend,
        "device": name,
        "versions": versions,
        "nets": zoo.list_models(),
    }


def _tensorflow():
    import tensorflow as tf

    for card in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(card)
        return details.get("device_name", card.name)
    return processor()


def _jax():
    import jax

    first = jax.devices()[0]
    return processor() if first.platform == "cpu" else first.device_kind


def _torch():
    import torch

    if not torch.cuda.is_available():
        return processor()
    torch.set_default_device("cuda")
    return torch.cuda.get_device_name()


def processor():
    return f"{len(os.sched_getaffinity(0))} processor cores, no GPU"


def reset_peak():
    """Forget the peak of GPU memory; JAX and a CPU cannot."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.reset_memory_stats("GPU:0")
    elif keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()


def peak_mb():
    """Peak of the GPU's memory; without one that of the process."""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            info = tf.config.experimental.get_memory_info("GPU:0")
            return info["peak"] / 2**20
    elif backend == "jax":
        import jax

        stats = jax.devices()[0].memory_stats() or {}
        if "peak_bytes_in_use" in stats:
            return stats["peak_bytes_in_use"] / 2**20
    else:
        import torch

        if torch.cuda.is_available():
            return torch.cuda.max_memory_allocated() / 2**20
    return workers.peak_mb()


def main():
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    print(json.dumps(device()), file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = answer_to(Case(**json.loads(line)))
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            answer = {"trouble": said[:200]}  # a cell of a table
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
