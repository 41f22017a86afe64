"""Published claims, each reproduced by one command."""

import importlib

CLAIMS = {
    "two-digits": "Capsules of kexue.fm 5112, trained on single digits, read "
    "two at once; a pooling net does not.",
    "vae-curves": "The VAEs of kexue.fm 5253 end where the originals end.",
    "why-vae-works": "kexue.fm 5383: one posterior sample is enough, samples "
    "of the prior are not.",
}


def reproduce(claim, out, quick=False):
    """Run the experiment behind a published claim.

    Args:
        claim: Key of `CLAIMS`.
        out: Folder for runs, `figures.json` and a picture. A reproduction that
            was stopped goes on where it stopped.
        quick: Whether to run a short form. Defaults to `False`.

    Returns:
        The paths of the figures and of the picture.

    Raises:
        ValueError: If there is no such claim.
    """
    if claim not in CLAIMS:
        raise ValueError(
            f"Unknown claim. Expected one of {sorted(CLAIMS)}. "
            f"Received: {claim!r}"
        )
    module = importlib.import_module(f"zoo.reproduce.{claim.replace('-', '_')}")
    return module.run(out, quick)
