"""What `evaluate` found, as people read it."""

from typing import Any

from zoo.columns import aligned

OF_SAMPLES = (
    "negative_elbo takes one sample of each example, −log_likelihood several: "
    "on average\nthe first is the larger. On few examples chance may have it "
    "otherwise."
)
PRINTED = 20  # classes up to which a confusion matrix is printed


def described(model: Any, about: Any, figures: Any, report: Any) -> str:
    """Figures, and those of each class, for people."""
    binarized = " (black and white)" if about.get("binarized") else ""
    which = "held-out" if about["held_out"] else "all"
    parts = [
        f"{model.name} on {which} examples of {about['data']}, "
        f"{about['examples']:,}{binarized}",
        aligned([[key, _short(value)] for key, value in figures.items()]),
    ]
    if "log_likelihood" in figures:
        parts.append(OF_SAMPLES)
    if report is None:
        return "\n\n".join(parts)
    rows = zip(report.names, report.precision, report.recall, report.count)
    parts.append(
        aligned(
            [
                ["class", "precision", "recall", "count"],
                *([one, _share(p), _share(r), n] for one, p, r, n in rows),
            ]
        )
    )
    if len(report.names) <= PRINTED:
        rows = zip(report.names, report.confusion.tolist())
        parts.append(
            "label ↓, predicted →\n"
            + aligned([["", *report.names], *([a, *b] for a, b in rows)])
        )
    return "\n\n".join(parts)


def _short(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _share(value):
    return "–" if value != value else f"{value:.3f}"
