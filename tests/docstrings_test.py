"""Every `>>>` example of a docstring runs, and gives the value it says."""

import ast
import doctest
import importlib
import inspect
import pathlib

import keras
import numpy as np
import pytest

import zoo
from tests import poems
from tests.helpers import tensorflow_only

ROOT = pathlib.Path(__file__).parents[1]
# What an expected value is written with, whatever the backend calls it.
WRITTEN = {"array": np.array, "float32": "float32", "TensorShape": tuple}


def _examples():
    """(module, name, docstring) of all that has examples, from the sources."""
    for path in sorted(
        [*ROOT.glob("keras_capsvae/**/*.py"), *ROOT.glob("zoo/**/*.py")]
    ):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                docstring = ast.get_docstring(node) or ""
                if ">>>" in docstring:
                    needs = (
                        [tensorflow_only] if node.name == "load_model" else []
                    )
                    yield pytest.param(
                        module, node.name, docstring, id=node.name, marks=needs
                    )


def _vae():
    images = np.random.default_rng(0).random((8, 784), "float32")
    model = zoo.dense_vae(intermediate_dim=8, jit_compile=False)
    return {"model": model, "x": images, "images": images}


def _poet():
    model = poems.small()
    return {"model": model, "ids": model.encode_text(poems.COUPLETS)}


def _matrix_capsules():
    model = zoo.matrix_capsnet((17, 17, 1), num_classes=2, jit_compile=False)
    return {"model": model, "x": np.zeros((2, 17, 17, 1)), "y": np.zeros(2)}


def _digits():
    return {"digits": zoo.datasets.load("digits", shape=(784,))}


def _finished_run():
    folder = pathlib.Path("runs/dense_vae")
    folder.mkdir(parents=True)
    names = _vae()
    names["model"].save(folder / "model.keras")
    names["model"].export(folder / "saved_model", verbose=False)
    return names


# What an example takes for granted, beside the names of its module.
GIVEN = {
    "KLWarmUp": _vae,
    "PrintedText": _poet,
    "SpreadMargin": _matrix_capsules,
    "between_steps": _vae,
    "evaluate": _digits,
    "load_model": _finished_run,
    "log_likelihood": _vae,
}


@pytest.mark.parametrize(("module", "name", "docstring"), list(_examples()))
def test_example(
    module, name, docstring, short_training, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    namespace = {"np": np, "keras": keras, "zoo": zoo}
    namespace |= vars(importlib.import_module(module))
    namespace |= GIVEN.get(name, dict)()
    for example in doctest.DocTestParser().get_examples(docstring):
        if not example.want:
            exec(example.source, namespace)
        else:
            _compare(
                eval(example.source, namespace), eval(example.want, WRITTEN)
            )


def _compare(result, expected):
    if isinstance(expected, (float, np.ndarray)):
        result = keras.ops.convert_to_numpy(result)
        np.testing.assert_allclose(result, expected, rtol=1e-5)
    elif isinstance(expected, tuple):
        assert len(result) == len(expected)
        for one, other in zip(result, expected, strict=True):
            _compare(one, other)
    else:
        assert result == expected


@pytest.mark.parametrize(
    "package",
    [
        "keras_capsvae",
        "keras_capsvae.layers",
        "keras_capsvae.losses",
        "keras_capsvae.routing",
        "zoo",
        "zoo.datasets",
        "zoo.evaluation",
        "zoo.plots",
        "zoo.registry",
        "zoo.runs",
    ],
)
def test_what_a_package_offers_is_documented(package):
    offered = vars(importlib.import_module(package))
    for name in offered["__all__"]:
        if callable(offered[name]):
            assert inspect.getdoc(offered[name]), name
