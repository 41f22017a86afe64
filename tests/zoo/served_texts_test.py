"""SavedModels of models of texts, which know their characters."""

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae import Vocabulary
from tests.helpers import tensorflow_only

pytestmark = tensorflow_only

CHARACTERS = "日月山水风花雪夜\n春"


def test_a_served_poem_is_read(tmp_path):
    model = zoo.poem_vae(CHARACTERS, 6, 4, 8, unknown="□", seed=0)
    model.export(tmp_path / "served")
    served = zoo.load_model(tmp_path / "served")
    texts = ["日月山水风花", "雪夜春日月海"]
    ids = served.vocabulary.encode(texts)
    np.testing.assert_array_equal(ids, model.encode_text(texts))
    z, _ = served.encode(keras.ops.convert_to_tensor(ids))
    written = served.vocabulary.decode(np.argmax(served.decode(z), axis=-1))
    expected = model.most_probable(model.encode(texts))
    assert written == model.vocabulary.decode(expected)


def test_a_served_classifier_takes_texts(tmp_path):
    model = zoo.gated_cnn_classifier(None, 2, 8, vocabulary="abc", seed=0)
    model.export(tmp_path / "served")
    served = zoo.load_model(tmp_path / "served")
    ids = served.vocabulary.encode(["ab", "cab"])
    np.testing.assert_array_equal(ids, [[1, 2, 0], [3, 1, 2]])
    assert served.serve(ids).shape == (2, 2)


def test_a_model_of_ids_alone_has_no_vocabulary(tmp_path):
    zoo.gated_cnn_classifier(20, 2, 8, seed=0).export(tmp_path / "served")
    served = zoo.load_model(tmp_path / "served")
    assert not hasattr(served, "vocabulary")


@pytest.mark.parametrize(
    "vocabulary",
    [Vocabulary("ab\n\0"), Vocabulary("日月", unknown="□", padding=True)],
)
def test_a_vocabulary_as_text(vocabulary):
    again = Vocabulary.from_json(vocabulary.to_json())
    assert vars(again) == vars(vocabulary)
