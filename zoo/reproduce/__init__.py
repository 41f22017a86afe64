"""Published claims, each reproduced by one command."""

import dataclasses
import importlib
import inspect
import json
import os
import pathlib

from zoo.reproduce.claims import CLAIMS
from zoo.reproduce.outcome import Outcome

__all__ = ["CLAIMS", "Outcome", "reproduce"]

QUICK = "quick"  # folder of the short form


def reproduce(
    claim: str,
    out: str | os.PathLike,
    quick: bool = False,
    data: str | os.PathLike | None = None,
) -> Outcome:
    """Run the experiment behind a published claim.

    What was trained before in the same folder is not trained again: an
    experiment that was stopped goes on there.

    Args:
        claim: Key of `CLAIMS`.
        out: Folder for runs, `figures.json` and pictures; those of the short
            form lie in `quick` below it.
        quick: Whether to run a short form. Defaults to `False`.
        data: Corpus of a claim about texts, what `datasets.load_texts` takes.
            Defaults to `None`: the claim's own data.

    Returns:
        The `Outcome`: figures beside the published ones, what was expected and
        whether it came true, and the paths of the files.

    Raises:
        ValueError: If there is no such claim, or it has no choice of data.
    """
    if claim not in CLAIMS:
        raise ValueError(
            f"`claim` must be one of {sorted(CLAIMS)}. Received: {claim!r}"
        )
    from zoo.runs.progress import Progress

    module = importlib.import_module(f"zoo.reproduce.{claim.replace('-', '_')}")
    options = {} if data is None else {"data": data}
    if not set(options) <= set(inspect.signature(module.run).parameters):
        raise ValueError(
            f"The claim {claim!r} has data of its own. Received: data={data!r}"
        )
    folder = pathlib.Path(out) / (QUICK if quick else "")
    folder.mkdir(parents=True, exist_ok=True)
    with Progress(module.epochs(quick)) as progress:
        figures, pictures = module.run(folder, quick, progress, **options)
    paths = [folder / "figures.json", *pictures]
    outcome = Outcome(CLAIMS[claim], quick, figures, paths)
    _write(outcome)
    return outcome


def _write(outcome):
    content = {
        "claim": outcome.claim.says,
        "figures": {
            name: dataclasses.asdict(figure)
            for name, figure in outcome.figures.items()
        },
        "published": dict(outcome.claim.published),
        "expected": outcome.verdicts(),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False)
    outcome.paths[0].write_text(text + "\n", encoding="utf-8")
