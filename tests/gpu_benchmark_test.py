"""What `benchmarks/gpu.py` measures and reports; it is run by hand."""

import importlib
import pathlib

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("gpu")


def test_cases_are_the_nets_then_xla_blocks_and_peers(gpu):
    nets = ["capsnet", "conv_vae", "dense_vae"]
    of_tensorflow = gpu.cases_of("tensorflow", nets, "*", quick=False)
    assert [case.net for case in of_tensorflow[:6:2]] == nets
    assert [one.steps_per_execution for one in of_tensorflow[:2]] == [1, 20]
    assert [case.jit_compile for case in of_tensorflow[6:8]] == [True, False]
    assert [case.net for case in of_tensorflow if case.blocks] == 3 * nets[:1]
    of_torch = gpu.cases_of("torch", nets, "dense*", quick=True)
    assert [one.net for one in of_torch] == ["dense_vae", *gpu.gpu_cases.PEERS]
    assert {one.batch_size for one in of_torch} == {4}


def test_blocks_are_of_modules_that_have_them(gpu):
    for module in gpu.gpu_cases.BLOCKS.values():
        assert importlib.import_module(module).BLOCK_VALUES > 0


def test_a_report_says_what_was_left_out(gpu):
    case = {
        "net": "capsnet",
        "jit_compile": True,
        "blocks": None,
        "steps_per_execution": 20,
    }
    answer = {"batch_size": 4, "ms": 12.345, "peak_mb": 99.6, "loss": 0.25}
    run = {
        "backend": "jax",
        "device": "a card",
        "versions": {"jax": "1"},
        "rows": [{**case, **answer}, {**case, "trouble": "failed"}],
        "left_out": ["conv_vae", "dense_vae"],
        "trouble": "",
    }
    text = gpu.report([run])
    assert "| capsnet | jax | on | 4 | 20 | 12.35 | 100 | 0.25 |" in text
    assert "| capsnet | jax | on |  |  | failed |  |  |" in text
    assert "jax: a card. jax 1.\nLeft out: conv_vae; dense_vae." in text
