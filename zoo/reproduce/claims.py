"""What each claim says, what was published, and what has to come out."""

import dataclasses
from collections.abc import Mapping

from zoo.reproduce.expectations import Above
from zoo.reproduce.expectations import Near


@dataclasses.dataclass(frozen=True)
class Claim:
    """A published claim, and how it is put to the test.

    Attributes:
        says: the claim in a sentence.
        published: figures of the source, by the names that ours have.
        expected: what has to come out, in the short form too.
        expected_in_full: what else has to come out of the long form.
        takes: how long the experiment takes on two processor cores.
        takes_quick: the same of its short form.
        quick: what the short form leaves out.
        unit: what the figures are: `"%"`, of shares, or a unit of numbers.
    """

    says: str
    published: Mapping[str, float]
    expected: tuple[Above | Near, ...]
    takes: str
    takes_quick: str
    quick: str
    unit: str = "%"
    expected_in_full: tuple[Above | Near, ...] = ()

    def announcement(self, quick: bool) -> list[str]:
        """Lines that say what is about to be done and how long it takes."""
        if quick:
            return [
                self.says,
                f"The short form, {self.quick}, takes about {self.takes_quick} "
                "on two processor cores. Published figures are of the long "
                "one.",
            ]
        return [
            self.says,
            f"This takes about {self.takes} on two processor cores. Stopped, "
            "it goes on when the same command is given again.",
        ]

    def told(self, figure: float) -> str:
        """A figure in its unit."""
        if self.unit == "%":
            return f"{100 * figure:.1f} %"
        return f"{figure:.4g}"


CLAIMS = {
    "clusters": Claim(
        "The VAE of kexue.fm 5887, whose prior is a mixture, finds the classes "
        "of images that nobody labelled.",
        published={
            "classifier, mnist, purity": 0.83,
            "classifier, fashion_mnist, purity": 0.585,
        },
        expected=(),
        expected_in_full=(
            Above("responsibilities, mnist, purity", 0.75, by=0.0),
            Above("responsibilities, fashion_mnist, purity", 0.5, by=0.0),
        ),
        takes="hours",
        takes_quick="minutes",
        quick="the default form, one seed and few epochs on a tenth of MNIST",
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
        takes="hours",
        takes_quick="minutes",
        quick="one seed, shuffled lines alone, 20,000 examples",
    ),
    "matrix-capsules": Claim(
        "Matrix capsules with EM routing, of kexue.fm 5155 and Hinton 2018, "
        "read MNIST.",
        published={"full net": 0.9956},
        expected=(Above("small net", 0.85, by=0.0),),
        takes="2 hours",
        takes_quick="2 minutes",
        quick="one small net on a tenth of MNIST",
    ),
    "two-digits": Claim(
        "Capsules of kexue.fm 5112, trained on single digits, read two at "
        "once; a pooling net does not.",
        published={
            "pooling, two digits": 0.40,
            "agreement, two digits": 0.91,
            "kmeans, two digits": 0.95,
        },
        expected=(Above("kmeans, two digits", "pooling, two digits", by=0.1),),
        takes="hours",
        takes_quick="4 minutes",
        quick="two nets and one seed on a tenth of MNIST",
    ),
    "vae-curves": Claim(
        "The VAEs of kexue.fm 5253 end where the originals end.",
        published={
            "dense_vae, test": 151.6,
            "conv_vae, test": 146.78,
            "conditional_vae, test": 149.98,
        },
        expected=(
            Above("dense_vae, test", "conditional_vae, test", by=0.5),
            Above("dense_vae, test", "conv_vae, test", by=0.5),
        ),
        takes="2 hours",
        takes_quick="4 minutes",
        quick="one seed on a tenth of MNIST",
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
        takes="an hour",
        takes_quick="3 minutes",
        quick="fewer epochs on a tenth of MNIST",
        unit="nats an image",
    ),
}
