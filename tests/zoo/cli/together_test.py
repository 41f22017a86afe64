import pytest

from tests.zoo.cli.cli_test import call


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("conv_vae", ["--capacity-warm-up", 2], "add --set capacity=25"),
        ("vq_vae", ["--capacity-warm-up", 2], "VAEs with Gaussian latents"),
        ("dense_vae", ["--kl-cycles", 2], "`kl_cycles` (--kl-cycles) must go"),
        (
            "dense_vae",
            ["--kl-warm-up", 2, "--kl-warm-up-steps", 2],
            "give one of them",
        ),
        ("vq_vae", ["--set-prior", "width=8"], "(--prior-epochs), which"),
        ("poem_vae", ["--augment", "zoom=0.1"], "which takes ids (batch"),
        ("tabular_vae", ["--augment", "zoom=0.1"], "which takes rows (batch"),
        ("dense_vae", ["--stream", "--shift", 2], "(--augment shift=0.1); by"),
    ],
)
def test_options_that_go_together(name, options, message, tmp_path):
    refused = call("train", name, "--out", tmp_path / "run", *options)
    assert refused.exit_code == 1 and message in refused.output
    assert not (tmp_path / "run").exists()
