"""Published claims, each reproduced by one command."""

import importlib
import inspect
import os
import pathlib

CLAIMS = {
    "couplets": "Gated convolutions of kexue.fm 4823 tell real couplets from "
    "altered ones; a bag of characters does not.",
    "matrix-capsules": "Matrix capsules with EM routing, of kexue.fm 5155 and "
    "Hinton 2018, read MNIST.",
    "two-digits": "Capsules of kexue.fm 5112, trained on single digits, read "
    "two at once; a pooling net does not.",
    "vae-curves": "The VAEs of kexue.fm 5253 end where the originals end.",
    "why-vae-works": "kexue.fm 5383: one posterior sample is enough, samples "
    "of the prior are not.",
}


def reproduce(
    claim: str,
    out: str | os.PathLike,
    quick: bool = False,
    data: str | os.PathLike | None = None,
) -> list[pathlib.Path]:
    """Run the experiment behind a published claim.

    Args:
        claim: Key of `CLAIMS`.
        out: Folder for runs, `figures.json` and a picture. The trainings that
            keep a run folder there go on where they were stopped.
        quick: Whether to run a short form. Defaults to `False`.
        data: Corpus of a claim about texts, what `datasets.load_texts` takes.
            Defaults to `None`: the claim's own data.

    Returns:
        The paths of the figures and of the picture.

    Raises:
        ValueError: If there is no such claim, or it has no choice of data.
    """
    if claim not in CLAIMS:
        raise ValueError(
            f"`claim` must be one of {sorted(CLAIMS)}. Received: {claim!r}"
        )
    module = importlib.import_module(f"zoo.reproduce.{claim.replace('-', '_')}")
    if data is None:
        return module.run(out, quick)
    if "data" not in inspect.signature(module.run).parameters:
        raise ValueError(
            f"The claim {claim!r} has data of its own. Received: data={data!r}"
        )
    return module.run(out, quick, data)
