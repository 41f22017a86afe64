"""The steps of one execution as a compiled loop, which JAX has on a GPU."""

import itertools
import types

import keras
import numpy as np
import pytest

import zoo
from keras_capsvae.models import checked_model
from keras_capsvae.private_keras import can_loop
from keras_capsvae.private_keras import executions
from keras_capsvae.private_keras import looped
from tests.helpers import BACKEND

jax_only = pytest.mark.skipif(
    BACKEND != "jax", reason="Keras has steps of an execution apart on JAX"
)
BATCH, STEPS = 4, 3
OF_STEPS = types.SimpleNamespace(steps_per_execution=STEPS)
NETS = {
    "dense_vae": {"original_dim": 8, "intermediate_dim": 6},
    "vmf_vae": {"original_dim": 8, "intermediate_dim": 6, "latent_dim": 3},
    "conditional_vae": {
        "original_dim": 8,
        "intermediate_dim": 6,
        "num_classes": 3,
    },
}


def counting_step(state, batch):
    """One that adds up what it is given."""
    total = state + batch.sum()
    return {"loss": total, "rows": batch.shape[0]}, total


def batches_of(*sizes):
    rows = np.arange(sum(sizes), dtype="float32")
    return np.split(rows, np.cumsum(sizes)[:-1])


def model_of(name, steps):
    model = zoo.create_model(name, **NETS[name], seed=0)
    model.steps_per_execution = steps
    return model


def data_of(model, count):
    random = np.random.default_rng(0)
    x = random.random((count, 8)).astype("float32")
    if len(model.inputs) == 1:
        return x
    return [x, keras.utils.to_categorical(random.integers(3, size=count), 3)]


@pytest.fixture
def on_gpu(monkeypatch):
    """As if there were a GPU; counts the executions that loop."""
    loops = []

    def counted(*arguments):
        loops.append(arguments)
        return looped(*arguments)

    monkeypatch.setattr(executions, "computes_on_gpu", lambda: True)
    monkeypatch.setattr(checked_model, "looped", counted)
    return loops


@jax_only
@pytest.mark.parametrize(
    "sizes", [(2, 2, 2), (2, 2), (2,), (2, 2, 1), (1, 2, 2, 2)]
)
def test_contract_an_execution_takes_all_steps_whatever_their_sizes(sizes):
    batches = iter(batches_of(*sizes))
    logs, total = looped(counting_step, OF_STEPS)(np.float32(1), batches)
    taken = sizes[:STEPS]
    assert float(total) == float(logs["loss"]) == 1 + sum(range(sum(taken)))
    assert int(logs["rows"]) == taken[-1]
    assert len(list(batches)) == len(sizes) - len(taken)


@jax_only
@pytest.mark.parametrize("steps", [2, 5])
def test_contract_the_number_of_steps_may_change_between_trainings(
    steps, on_gpu
):
    model = model_of("dense_vae", STEPS)
    x = data_of(model, 5 * BATCH)
    options = {"batch_size": BATCH, "verbose": 0}
    model.fit(x, **options)
    model.steps_per_execution = steps
    model.fit(x, **options)
    assert int(model.optimizer.iterations) == 10


def counted_in_a_tuple(state, batch):
    first, *_ = state
    return {"loss": first}, (first + 1, state[1])


@jax_only
def test_contract_a_step_may_give_its_state_in_another_container():
    state = [np.int32(0), np.float32(2)]
    batches = iter(batches_of(2, 2, 2))
    logs, after = looped(counted_in_a_tuple, OF_STEPS)(state, batches)
    assert [float(one) for one in after] == [3, 2]
    assert int(logs["loss"]) == 2


@jax_only
def test_contract_batches_that_do_not_stack_are_taken_one_by_one():
    def step(state, batch):
        x, weights = batch
        assert weights is None
        return {"loss": state}, state + x.sum()

    batches = ((x, None) for x in batches_of(2, 2, 2))
    _, total = looped(step, OF_STEPS)(np.float32(0), batches)
    assert float(total) == sum(range(6))


@jax_only
def test_contract_sparse_data_train_as_they_do_step_by_step(on_gpu):
    sparse = pytest.importorskip("scipy.sparse")
    weights = []
    for steps in (1, STEPS):
        keras.utils.set_random_seed(0)
        model = model_of("dense_vae", steps)
        x = sparse.csr_matrix(data_of(model, 6 * BATCH))
        model.fit(x, batch_size=BATCH, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for single, together in zip(*weights, strict=True):
        np.testing.assert_allclose(single, together, rtol=1e-4, atol=1e-5)


@jax_only
def test_contract_an_execution_without_a_batch_ends_the_epoch():
    with pytest.raises(StopIteration):
        looped(counting_step, OF_STEPS)(np.float32(0), iter([]))


@jax_only
@pytest.mark.parametrize("name", NETS)
def test_contract_a_looped_training_is_that_of_single_steps(name, on_gpu):
    count = BATCH * (2 * STEPS + 1) + 1  # the last execution has two sizes
    options = {"batch_size": BATCH, "verbose": 0}
    weights, figures = [], []
    for steps in (1, STEPS):
        keras.utils.set_random_seed(0)
        model = model_of(name, steps)
        x = data_of(model, count)
        history = model.fit(
            x, epochs=2, shuffle=False, validation_data=(x,), **options
        ).history
        figures.append(history | model.evaluate(x, return_dict=True, **options))
        weights.append(model.get_weights())
    assert len(on_gpu) == 2  # of training and of validation
    for single, together in zip(*weights, strict=True):
        np.testing.assert_allclose(single, together, rtol=1e-4, atol=1e-5)
    for key, value in figures[0].items():
        np.testing.assert_allclose(figures[1][key], value, rtol=1e-5)


@jax_only
def test_contract_a_loop_suits_streams_callbacks_and_single_batches(on_gpu):
    model = model_of("dense_vae", STEPS)
    x = data_of(model, BATCH)
    seen = []
    told = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((batch, logs))
    )
    model.fit(
        ((x,) for _ in itertools.count()),
        steps_per_epoch=7,
        verbose=0,
        callbacks=[told],
    )
    assert [batch for batch, _ in seen] == [2, 5, 8]  # as Keras counts them
    assert all(np.isfinite(logs["loss"]) for _, logs in seen)
    assert int(model.optimizer.iterations) == 7 + 2  # it draws whole executions
    model.train_on_batch(x)
    assert int(model.optimizer.iterations) == 10
    assert len(on_gpu) == 1
    assert model.predict(x, verbose=0).shape == x.shape


@jax_only
@pytest.mark.parametrize(
    "options", [{"run_eagerly": True}, {"jit_compile": False}]
)
def test_contract_what_is_not_compiled_does_not_loop(options, on_gpu):
    model = model_of("dense_vae", STEPS)
    model.compile(
        keras.optimizers.Adam(),
        model.loss,
        steps_per_execution=STEPS,
        **options,
    )
    model.fit(data_of(model, 8), batch_size=2, verbose=0)
    assert not on_gpu
    assert int(model.optimizer.iterations) == 4


def test_contract_without_a_gpu_keras_takes_the_steps(monkeypatch):
    model = model_of("dense_vae", STEPS)
    monkeypatch.setattr(executions, "computes_on_gpu", lambda: False)
    assert not can_loop(model)
    monkeypatch.setattr(executions, "computes_on_gpu", lambda: True)
    assert can_loop(model) is (BACKEND == "jax")
