"""What a contender is, and how a process of its own answers with it."""

import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time

import numpy as np

DIMS = 784  # pixels of an image


@dataclasses.dataclass(frozen=True)
class Settings:
    threads: int = 2
    batch_size: int = 100
    steps: int = 600
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Entry:
    environment: str
    packages: tuple
    prepare: object


def images(settings):
    """Uniform noise in [0, 1]: (steps · batch, 784)."""
    random = np.random.default_rng(settings.seed)
    rows = settings.steps * settings.batch_size
    return random.random((rows, DIMS), dtype="float32")


def limit_threads(threads):
    """As many processors as threads, for every framework alike."""
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[:threads])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ["MKL_NUM_THREADS"] = str(threads)


def limit_framework_threads(entry, threads):
    if "tensorflow" in entry.packages:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    if "torch" in entry.packages:
        import torch

        torch.set_num_threads(threads)


def missing_packages(entry):
    return [p for p in entry.packages if importlib.util.find_spec(p) is None]


def measured(block, settings, prepared_mb):
    began = time.perf_counter()
    loss = block()
    seconds = time.perf_counter() - began
    return {
        "ms": 1e3 * seconds / settings.steps,
        "loss": loss,
        "peak_mb": peak_mb(),
        "extra_mb": peak_mb() - prepared_mb,
    }


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def serve(entry, settings, requests, answers):
    """Prepare, say so, then answer each line with a block of steps."""

    def tell(answer):
        print(json.dumps(answer), file=answers, flush=True)

    missing = missing_packages(entry)
    if missing:
        tell({"missing": missing})
        return
    limit_framework_threads(entry, settings.threads)
    block = entry.prepare(images(settings), settings)
    prepared_mb = peak_mb()
    block()
    versions = {p: importlib.metadata.version(p) for p in entry.packages}
    tell({"versions": versions})
    for _ in requests:
        tell(measured(block, settings, prepared_mb))


def work(entries, name, settings, kind=Settings):
    """Be the worker of an entry; what it prints besides goes to the log."""
    settings = kind(**json.loads(settings))
    limit_threads(settings.threads)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(entries[name], settings, sys.stdin, answers)
