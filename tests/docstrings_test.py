"""Code in docstrings runs, and `>>>` examples give the values they say."""

import ast
import doctest
import importlib
import inspect
import pathlib
import re

import keras
import numpy as np
import pytest

import keras_capsvae
import zoo
from tests import poems
from tests.helpers import tensorflow_only

ROOT = pathlib.Path(__file__).parents[1]
NEED_TF = ("load_model", "stream")
# What an expected value is written with, whatever the backend calls it.
WRITTEN = {"array": np.array, "float32": "float32", "TensorShape": tuple}


def _documented(mark):
    """(module, name, docstring) of all docstrings that hold a mark."""
    for path in sorted(
        [*ROOT.glob("keras_capsvae/**/*.py"), *ROOT.glob("zoo/**/*.py")]
    ):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                docstring = ast.get_docstring(node) or ""
                if mark in docstring:
                    marks = [tensorflow_only] if node.name in NEED_TF else []
                    yield pytest.param(
                        module, node.name, docstring, id=node.name, marks=marks
                    )


def _namespace(module):
    modules = (keras_capsvae, importlib.import_module(module))
    names = {"np": np, "keras": keras, "zoo": zoo, "datasets": zoo.datasets}
    return names | {k: v for one in modules for k, v in vars(one).items()}


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
    "Progress": _vae,
    "score_values": _vae,
    "SpreadMargin": _matrix_capsules,
    "between_steps": _vae,
    "evaluate": _digits,
    "load_model": _finished_run,
    "log_likelihood": _vae,
}


@pytest.mark.parametrize(
    ("module", "name", "docstring"), list(_documented(">>>"))
)
def test_example(
    module, name, docstring, short_training, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    namespace = _namespace(module) | GIVEN.get(name, dict)()
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


SHAPES = {  # of images; (784,) for others
    "CapsuleNetwork": (28, 28, 1),
    "CodeAutoencoder": (28, 28, 1),
    "MatrixCapsuleNetwork": (28, 28, 1),
    "capsnet": (28, 28, 1),
    "capsule_cnn": (28, 28, 1),
    "cluster_vae": (28, 28, 1),
    "conv_vae": (32, 32, 3),
    "deep_conv_vae": (64, 64, 3),
    "efficient_capsnet": (28, 28, 1),
    "efficient_cnn": (28, 28, 1),
    "fsq_vae": (16, 16, 3),
    "gumbel_vae": (28, 28, 1),
    "matrix_capsnet": (28, 28, 1),
    "pooling_cnn": (28, 28, 1),
    "vq_vae": (16, 16, 3),
}


def _given_to_a_block(name):
    random = np.random.default_rng(0)
    x, z = keras.Input((784,)), keras.Input((2,))
    heads = [keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)]
    images = random.random((8, *SHAPES.get(name, (784,))), "float32")
    return {
        "couplets": poems.COUPLETS,
        "decoder": keras.Model(z, keras.layers.Dense(784, "sigmoid")(z)),
        "encoder": keras.Model(x, heads),
        "images": images,
        "images_of_another_size": random.random((2, 40, 28, 1), "float32"),
        "labels": np.arange(8) % 2,
        "one_hot_labels": np.eye(10)[:8],
        "table": random.normal(size=(8, 30)),
        "new_rows": random.normal(size=(8, 30)),
        "texts": ["白日依山尽", "黄河入海流"] * 4,
    }


def _folder_of_photos():
    for name in ("a", "b"):
        folder = pathlib.Path("photos", name)
        folder.mkdir(parents=True)
        for number in range(4):
            pixels = np.full((64, 64, 3), 0.1 * number)
            keras.utils.save_img(folder / f"{number}.png", pixels)
    return {"model": zoo.conv_vae((64, 64, 3))}


def _file_of_poems():
    pathlib.Path("poems.txt").write_text("\n".join(poems.COUPLETS * 10))
    return {}


TAKE_LONG = (
    "CapsuleNetwork",
    "PoemAutoencoder",
    "capsnet",
    "matrix_capsnet",
    "perturbations",
)
FILES = {"poem_vae": _file_of_poems, "stream": _folder_of_photos}


@pytest.mark.parametrize(
    ("module", "name", "docstring"),
    [
        pytest.param(
            *one.values,
            id=one.id,
            marks=[*one.marks, *[pytest.mark.slow] * (one.id in TAKE_LONG)],
        )
        for one in _documented("```")
    ],
)
def test_block(module, name, docstring, short_training, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = _namespace(module) | _given_to_a_block(name)
    namespace |= FILES.get(name, dict)()
    blocks = re.findall(r"```python\n(.*?)```", docstring, re.DOTALL)
    assert 2 * len(blocks) == docstring.count("```")
    for block in blocks:
        exec(block, namespace)


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
