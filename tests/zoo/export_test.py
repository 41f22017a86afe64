import keras
import numpy as np
import pytest

import zoo
from tests.helpers import tensorflow_only
from zoo.export import export_onnx
from zoo.export import load_model


@pytest.fixture(scope="module")
def model():
    return zoo.conditional_vae(16, num_classes=3, intermediate_dim=8, seed=0)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((5, 16)).astype("float32")


@pytest.mark.parametrize("path", ["model.keras", "."])
def test_keras_file_is_reloaded_compiled(path, model, images, tmp_path):
    model.save(tmp_path / "model.keras")
    reloaded = load_model(tmp_path / path)  # the folder as one of a run
    assert reloaded.compiled
    np.testing.assert_array_equal(
        reloaded.encoder.predict(images, verbose=0),
        model.encoder.predict(images, verbose=0),
    )


def test_saved_model_has_the_four_endpoints(model, images, tmp_path):
    model.export(tmp_path / "served")
    served = load_model(tmp_path / "served")
    labels = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1]]
    assert served.serve([images, labels]).shape == (5, 16)
    np.testing.assert_allclose(
        served.encode(images), model.encoder.predict(images, verbose=0), 1e-5
    )
    z = np.zeros((4, 2), "float32")
    np.testing.assert_allclose(
        served.decode(z), model.decoder.predict(z, verbose=0), 1e-5
    )
    first, second = served.generate(6, 2), served.generate(6, 2)
    assert first.shape == (6, 16)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    ("build", "given"),
    [(zoo.pooling_cnn, "image"), (zoo.gated_cnn_classifier, "ids")],
)
def test_saved_classifiers_name_what_goes_in_and_out(build, given, tmp_path):
    model = build(num_classes=3)
    shape = {"image": (2, 28, 28, 1), "ids": (2, 7)}[given]
    x = np.ones(shape, model.inputs[0].dtype)
    model.export(tmp_path / "served")
    served = load_model(tmp_path / "served").signatures["serving_default"]
    scores = served(**{given: keras.ops.convert_to_tensor(x)})
    assert list(scores) == ["scores"]
    np.testing.assert_allclose(
        scores["scores"], model.predict(x, verbose=0), rtol=1e-4, atol=1e-6
    )


def test_wrong_paths_say_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model at"):
        load_model(tmp_path / "nothing.keras")
    with pytest.raises(ValueError, match="no saved_model.pb"):
        load_model(tmp_path)
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(ValueError, match="damaged"):
        load_model(tmp_path / "text.keras")


@pytest.mark.parametrize("path", [None, 3, np.zeros(2), ["a.keras"], b"a"])
def test_what_is_no_path(path):
    with pytest.raises(
        TypeError, match="`path` must be the path of a `.keras`"
    ):
        load_model(path)


def test_a_model_is_no_path(model):
    with pytest.raises(TypeError, match="of type VariationalAuto"):
        load_model(model)


def test_paths_of_numpy(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    assert load_model(np.str_(path)).name == model.name


def test_other_files_say_what_was_expected(model, tmp_path):
    model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="HDF5 file: weights, which a builder"):
        load_model(tmp_path / "model.weights.h5")
    np.savez(tmp_path / "data.npz", x=np.zeros(2))
    (tmp_path / "data.npz").rename(tmp_path / "data.keras")
    with pytest.raises(ValueError, match="must be a `.keras`.*another kind"):
        load_model(tmp_path / "data.keras")
    (tmp_path / "data.keras").unlink()
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ValueError, match="no saved_model.pb, but mine.keras"):
        load_model(tmp_path)


def test_classes_that_are_not_known(tmp_path):
    class Strange(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    image = keras.Input((2,))
    keras.Model(image, Strange()(image)).save(tmp_path / "model.keras")
    with pytest.raises(
        ValueError, match="(?s)classes that are not imported.*Strange"
    ):
        load_model(tmp_path / "model.keras")


def test_damaged_files_are_named(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="model.keras is damaged"):
        load_model(path)
    model.export(tmp_path / "served")
    (tmp_path / "served" / "saved_model.pb").write_bytes(b"\x00\x01")
    with pytest.raises(ValueError, match="served is damaged"):
        load_model(tmp_path / "served")


def test_onnx_agrees_with_keras(model, images, tmp_path):
    pytest.importorskip("tf2onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime")
    encoder, decoder = export_onnx(model, tmp_path / "onnx")
    z = np.ones((5, 2), "float32")
    for path, part, data in (
        (encoder, model.encoder, images),
        (decoder, model.decoder, z),
    ):
        session = runtime.InferenceSession(path)
        received = session.run(None, {session.get_inputs()[0].name: data})
        expected = part.predict(data, verbose=0)
        expected = expected if isinstance(expected, list) else [expected]
        for a, b in zip(received, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_onnx_without_its_package_says_what_to_install(
    model, tmp_path, monkeypatch
):
    import sys

    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"keras-capsvae\[onnx\]"):
        export_onnx(model, tmp_path)


@pytest.mark.thorough
@tensorflow_only
@pytest.mark.parametrize("build", [zoo.capsule_cnn, zoo.efficient_capsnet])
def test_a_classifier_becomes_one_onnx_file_of_any_batch_size(build, tmp_path):
    pytest.importorskip("tf2onnx", reason="the onnx extra is not installed")
    runtime = pytest.importorskip("onnxruntime")
    model = build((15, 14, 1), seed=0)
    (path,) = export_onnx(model, tmp_path)
    session = runtime.InferenceSession(path)
    images = np.random.default_rng(0).random((3, 15, 14, 1), "float32")
    for count in (1, 3):
        name = session.get_inputs()[0].name
        (scores,) = session.run(None, {name: images[:count]})
        expected = model.predict(images[:count], verbose=0)
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


@tensorflow_only
def test_an_operator_that_onnx_has_not_leaves_no_file(tmp_path):
    pytest.importorskip("tf2onnx", reason="the onnx extra is not installed")
    x = keras.Input((3,))
    model = keras.Model(x, keras.ops.expm1(x))
    model.predict(np.ones((1, 3)), verbose=0)
    with pytest.raises(RuntimeError, match="ONNX cannot hold.*Expm1"):
        export_onnx(model, tmp_path)
    assert not list(tmp_path.iterdir())


@tensorflow_only
def test_an_endpoint_outlives_what_it_came_with(tmp_path):
    model = zoo.dense_vae(12, latent_dim=2, intermediate_dim=4, seed=0)
    model.export(tmp_path / "served")
    decode = zoo.load_model(tmp_path / "served").decode
    assert decode(np.zeros((1, 2), "float32")).shape == (1, 12)
