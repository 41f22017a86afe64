"""kexue.fm 5887: a VAE whose prior is a mixture finds the classes of images."""

import pathlib

import keras

from zoo import plots
from zoo.datasets import feeds
from zoo.evaluation import clustering
from zoo.reproduce import steps
from zoo.reproduce.expectations import Figure

EPOCHS, QUICK_EPOCHS = 30, 6
FORMS = {
    "responsibilities": {"arguments": {}, "seeds": (1, 2, 3), "start": 10},
    "classifier": {
        "arguments": {"classifier": True},
        "seeds": (1,),
        "start": 0,  # its means start by chance, as in the post
    },
}
QUICK_START = 2


def run(
    folder: pathlib.Path, quick: bool
) -> tuple[dict[str, Figure], list[pathlib.Path]]:
    """Train both forms on both data sets; judge the clusters of test images."""
    figures, pictures = {}, []
    data_sets = [steps.mnist(quick)] + ([] if quick else ["fashion_mnist"])
    for data in data_sets:
        for form in list(FORMS)[:1] if quick else FORMS:
            seeds = FORMS[form]["seeds"][:1] if quick else FORMS[form]["seeds"]
            found = []
            for seed in seeds:
                place = folder / f"{data}_{form}_{seed}"
                model = _trained(place, data, form, seed, quick)
                arrays = feeds.load(model, data)
                clusters = model.predict_clusters(arrays.x_test, 256)
                found.append(clustering(arrays.y_test, clusters))
                if seed == seeds[0]:
                    pictures.append(folder / f"{data}_{form}.png")
                    picture = plots.clusters(model, arrays.x_test)
                    picture.savefig(pictures[-1], bbox_inches="tight")
            for name in found[0]:
                values = tuple(one[name] for one in found)
                examples = len(arrays.x_test) if name in SHARES else None
                figures[f"{form}, {data}, {name}"] = Figure(values, examples)
    return figures, pictures


SHARES = ("purity", "hungarian")  # of the test examples


def _trained(
    folder: pathlib.Path, data: str, form: str, seed: int, quick: bool
) -> keras.Model:
    start = FORMS[form]["start"]
    return steps.train(
        folder,
        "cluster_vae",
        data,
        seed=seed,
        epochs=QUICK_EPOCHS if quick else EPOCHS,
        mixture_start=min(start, QUICK_START) if quick else start,
        arguments=FORMS[form]["arguments"],
    )
