"""What each claim says, what was published, and what has to come out."""

import dataclasses
from collections.abc import Mapping

from zoo.reproduce.expectations import Above
from zoo.reproduce.expectations import Expectation
from zoo.reproduce.expectations import Near


@dataclasses.dataclass(frozen=True)
class Claim:
    """A published claim, and how it is put to the test.

    Attributes:
        says: The claim in a sentence.
        published: Figures of the source, by the names that ours have.
        expected: What has to come out, in the short form too.
        expected_in_full: What else has to come out of the long form.
        takes: How long the experiment takes on two processor cores.
        takes_quick: The same of its short form.
        quick: What the short form leaves out.
        unit: What the figures are: `"%"`, of shares, or a unit of numbers.
    """

    says: str
    published: Mapping[str, float]
    expected: tuple[Expectation, ...]
    takes: str
    takes_quick: str
    quick: str
    unit: str = "%"
    expected_in_full: tuple[Expectation, ...] = ()

    def announcement(self, quick: bool) -> list[str]:
        """Lines that say what is about to be done and how long it takes."""
        if quick:
            return [
                self.says,
                f"The short form, {self.quick}, takes {self.takes_quick} "
                "on two processor cores. Published figures are of the long "
                "one.",
            ]
        return [
            self.says,
            f"This takes {self.takes} on two processor cores. Stopped, "
            "it goes on when the same command is given again.",
        ]

    def told(self, figure: float) -> str:
        """A figure in its unit."""
        if self.unit == "%":
            return f"{100 * figure:.1f} %"
        return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


TWO_DIGITS = {
    "pooling, two digits": 0.40,
    "agreement, two digits": 0.91,
    "kmeans, two digits": 0.95,
}
# The original snippets under the Keras 2 API, means of four, three or one run.
VAE_CURVES = {
    "dense_vae, test after 600 steps": 173.0,
    "dense_vae, training": 149.42,
    "dense_vae, test": 151.6,
    "conv_vae, training": 145.43,
    "conv_vae, test": 146.78,
    "conditional_vae, training": 147.94,
    "conditional_vae, test": 149.98,
}


def _as_published(figures, name, within):
    return Near(name, figures[name], within)


CLAIMS = {
    "anomalies": Claim(
        "A VAE of benign tumours alone tells malignant ones apart as well as "
        "an isolation forest does.",
        published={},
        expected=(Above("tabular_vae, AUROC", 0.93, by=0.0),),
        expected_in_full=(
            Near("tabular_vae, AUROC", "isolation forest, AUROC", within=0.01),
        ),
        takes="about 3 minutes",
        takes_quick="about a minute",
        quick="one seed of five",
    ),
    "clusters": Claim(
        "The VAE of kexue.fm 5887, whose prior is a mixture, finds the classes "
        "of images that nobody labelled.",
        published={
            "classifier, mnist, purity": 0.83,
            "classifier, fashion_mnist, purity": 0.585,
        },
        expected=(Above("responsibilities, mnist, purity", 0.25, by=0.0),),
        expected_in_full=(
            Above("responsibilities, mnist, purity", 0.75, by=0.0),
            Above("responsibilities, fashion_mnist, purity", 0.5, by=0.0),
        ),
        takes="some hours",
        takes_quick="some minutes",
        quick="the default form, one seed and few epochs on a tenth of MNIST",
    ),
    "codes": Claim(
        "Codes of kexue.fm 6760 and 9826: images as maps of integers below 64, "
        "out of a codebook or by rounding, and a net that writes new maps.",
        published={},
        expected=(
            Above("vq, mnist, perplexity", 10.0, by=0.0),
            Above("uniform codes, nats", "vq, mnist, nats of the codes", by=5),
        ),
        expected_in_full=(
            Above("uniform codes, nats", "vq, mnist, nats of the codes", by=50),
            Above(
                "uniform codes, nats", "fsq, mnist, nats of the codes", by=50
            ),
        ),
        takes="some hours",
        takes_quick="some minutes",
        quick="narrow nets, one seed and few epochs on a tenth of MNIST",
        unit="as named",
    ),
    "collapse": Claim(
        "The normalised means of kexue.fm 7381 keep every latent of a VAE of "
        "texts in use.",
        published={},
        expected=(
            Above("normalised mean, KL", "no cure, KL", by=0.0),
            Above("normalised mean, active latents", 63.5, by=0.0),
        ),
        takes="about half an hour on the embedded couplets, hours on a corpus",
        takes_quick="some minutes",
        quick="one seed on the embedded couplets",
        unit="nats a couplet, or latents of 64",
    ),
    "couplets": Claim(
        "Gated convolutions of kexue.fm 4823 tell real couplets from altered "
        "ones; a bag of characters does not.",
        published={},
        expected=(
            Above(
                "gated convolutions, shuffled lines",
                "bag of characters, shuffled lines",
                by=0.05,
            ),
        ),
        takes="some hours",
        takes_quick="some minutes",
        quick="one seed, shuffled lines alone, 20,000 examples",
    ),
    "matrix-capsules": Claim(
        "Matrix capsules with EM routing, of kexue.fm 5155 and Hinton 2018, "
        "read MNIST.",
        published={"full net": 0.9956},
        expected=(Above("small net", 0.85, by=0.0),),
        expected_in_full=(Above("full net", 0.98, by=0.0),),
        takes="about an hour and a half",
        takes_quick="about 2 minutes",
        quick="one small net on a tenth of MNIST",
    ),
    "routings": Claim(
        "Every routing of capsules in the net of kexue.fm 5112, trained alike: "
        "one digit, several at once, Fashion-MNIST, time and parameters.",
        published={
            f"{net}, %": 100 * share
            for net, share in TWO_DIGITS.items()
            if not net.startswith("pooling")
        },
        expected=(Above("kmeans, one digit, %", 80.0, by=0.0),),
        expected_in_full=(
            Above("kmeans, two digits, %", "dynamic, two digits, %", by=5.0),
        ),
        takes="about 9 hours",
        takes_quick="about 3 minutes",
        quick="four routings, one seed and two epochs on a tenth of MNIST",
        unit="as named",
    ),
    "two-digits": Claim(
        "Capsules of kexue.fm 5112, trained on single digits, read two at "
        "once; a pooling net does not.",
        published=TWO_DIGITS,
        expected=(Above("kmeans, two digits", "pooling, two digits", by=0.1),),
        expected_in_full=(
            _as_published(TWO_DIGITS, "kmeans, two digits", within=0.05),
            _as_published(TWO_DIGITS, "agreement, two digits", within=0.05),
        ),
        takes="about 5 hours",
        takes_quick="about 3 minutes",
        quick="two nets and one seed on a tenth of MNIST",
    ),
    "vae-curves": Claim(
        "The VAEs of kexue.fm 5253 start and end where the originals do.",
        published=VAE_CURVES,
        expected=(
            _as_published(
                VAE_CURVES, "dense_vae, test after 600 steps", within=4.0
            ),
        ),
        expected_in_full=(
            _as_published(VAE_CURVES, "dense_vae, test", within=1.5),
            _as_published(VAE_CURVES, "conv_vae, test", within=1.5),
            _as_published(VAE_CURVES, "conditional_vae, test", within=1.5),
        ),
        takes="about 2 hours",
        takes_quick="about a minute",
        quick="600 steps, the start alone, on a tenth of MNIST",
        unit="nats an image",
    ),
    "why-vae-works": Claim(
        "kexue.fm 5383: one posterior sample is enough, samples of the prior "
        "are not.",
        published={},
        expected=(
            Above("8 prior samples", "KL of one sample", by=30.0),
            Near("KL of one sample", "8 posterior samples", within=5.0),
            Near("KL of one sample", "KL in closed form", within=5.0),
        ),
        takes="about half an hour",
        takes_quick="some minutes",
        quick="fewer epochs on a tenth of MNIST",
        unit="nats an image",
    ),
}
