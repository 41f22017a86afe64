"""Tumours that a VAE of benign ones finds unlikely."""

import pathlib

import numpy as np
from matplotlib.figure import Figure as MatplotlibFigure

import zoo
from zoo import datasets
from zoo import likelihood
from zoo.datasets.row_tables import rows_of
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure
from zoo.runs.progress import Progress

DATA = "breast_cancer"
SEEDS, QUICK_SEEDS = (1, 2, 3, 4, 5), (1,)
EPOCHS = 200
BATCH_SIZE = 32
TRAINED_ON = 0.7  # of the benign ones
QUANTILE = 0.99
NUM_SAMPLES = 50
VAE, FOREST = "tabular_vae", "isolation forest"
FOUND = "share above the threshold of tabular_vae"


def epochs(quick: bool) -> int:
    """Epochs of all trainings."""
    return EPOCHS * len(QUICK_SEEDS if quick else SEEDS)


def run(
    folder: pathlib.Path, quick: bool, progress: Progress
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train on benign tumours alone; tell malignant from other benign ones.

    The figures are areas under the ROC curve of the negative ELBO, its
    expectation over 50 samples, beside scikit-learn's isolation forest on the
    same rows, and what scores above the 0.99 quantile of the training.
    """
    found: dict[str, list[float]] = {}
    shown = []
    for seed in QUICK_SEEDS if quick else SEEDS:
        train, benign, malignant = _split(seed)
        model = _trained(train, seed, folder / f"seed_{seed}", progress)
        known, *scores = (
            -likelihood.elbo(model, rows, NUM_SAMPLES, verbose=0)
            for rows in (train, benign, malignant)
        )
        threshold = float(np.quantile(known, QUANTILE))
        shown.append((scores, threshold))
        above = [float(np.mean(one > threshold)) for one in scores]
        forest = _forest(train, (benign, malignant), seed)
        for name, value in {
            f"{VAE}, AUROC": _auroc(*scores),
            f"{FOREST}, AUROC": _auroc(*forest),
            f"benign, {FOUND}": above[0],
            f"malignant, {FOUND}": above[1],
        }.items():
            found.setdefault(name, []).append(value)
    path = folder / "anomalies.png"
    _draw(*shown[0]).savefig(path, dpi=150)
    return {name: Figure(tuple(values)) for name, values in found.items()}, [
        path
    ]


def _split(seed):
    """Benign rows to train on, other benign ones, and malignant ones."""
    (table,) = rows_of(DATA)
    is_benign = np.array(table.labels) == "benign"
    benign = table.x[is_benign]
    order = np.random.default_rng(seed).permutation(len(benign))
    count = int(TRAINED_ON * len(benign))
    return benign[order[:count]], benign[order[count:]], table.x[~is_benign]


def _trained(rows, seed, folder, progress):
    model = zoo.tabular_vae(rows.shape[1], seed=seed)
    model.adapt(rows)
    batches = datasets.Batches(rows, batch_size=BATCH_SIZE, seed=seed)
    steps.fit(model, batches, EPOCHS, folder, progress)
    return model


def _forest(rows, others, seed):
    """Scores of an isolation forest, high ones for outliers."""
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(random_state=seed).fit(rows)
    return [-forest.score_samples(one) for one in others]


def _auroc(normal, outliers):
    from sklearn.metrics import roc_auc_score

    labels = np.repeat([0, 1], [len(normal), len(outliers)])
    return float(roc_auc_score(labels, np.concatenate([normal, outliers])))


def _draw(scores, threshold):
    figure = MatplotlibFigure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    low = min(one.min() for one in scores)
    shifted = [np.log10(1 + one - low) for one in scores]
    bins = np.linspace(0, max(one.max() for one in shifted), 40)
    for values, name in zip(shifted, ("benign, not trained on", "malignant")):
        axes.hist(values, bins, alpha=0.6, label=name)
    limit = np.log10(1 + threshold - low)
    axes.axvline(limit, color="0.3", linewidth=1)
    axes.annotate(
        f" {QUANTILE} of the training",
        (limit, 1),
        va="top",
        fontsize=8,
        xycoords=("data", "axes fraction"),
    )
    axes.set_xlabel("score above the least, log₁₀(1 + nats)")
    axes.set_ylabel("tumours")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return figure
