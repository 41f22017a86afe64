"""The command line: `python -m zoo`, or `keras-capsvae`."""

import click

from zoo.cards import list_models
from zoo.cli import browsing
from zoo.cli import comparing
from zoo.cli import judging
from zoo.cli import predicting
from zoo.cli import training
from zoo.cli import using
from zoo.cli.output import warning_in_lines
from zoo.cli.quiet import quieten_tensorflow
from zoo.nearest import did_you_mean

FIRST_STEPS = """\b
First steps, each a minute or less:
  python -m zoo train dense_vae       train on digits that are embedded
  python -m zoo sample runs/dense_vae draw what it makes of them
  python -m zoo show dense_vae        what it is, and where it is from
  python -m zoo train --help          your own data, and all options
"""
ERRORS = (ValueError, TypeError, OSError, RuntimeError, ImportError)


class _Group(click.Group):
    """Prints what is wrong with the input in one line, not as a traceback."""

    def resolve_command(self, context, args):
        name, names = args[0], self.list_commands(context)
        if name not in names and not name.startswith("-"):
            hint = (
                f"Did you mean show {name} or train {name}? "
                if name in list_models()
                else did_you_mean(name, names)
            )
            context.fail(
                f"Unknown command. {hint}The commands are {names}. "
                f"Received: {name!r}"
            )
        return super().resolve_command(context, args)

    def invoke(self, context):
        try:
            with warning_in_lines():
                return super().invoke(context)
        except (click.exceptions.Exit, click.exceptions.Abort):
            raise
        except Exception as error:
            if isinstance(error, ERRORS) or _is_of_tensorflow(error):
                raise click.ClickException(str(error)) from error
            raise


def _is_of_tensorflow(error):
    """Whether TensorFlow raised it: files and streams fail with its errors."""
    return type(error).__module__.startswith("tensorflow.")


@click.group(
    cls=_Group,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 88,
    },
    epilog=FIRST_STEPS,
)
@click.version_option(package_name="keras-capsvae")
def main() -> None:
    """Capsule networks and variational autoencoders in Keras 3."""
    quieten_tensorflow()


for command in (
    browsing.list_models,
    browsing.search,
    browsing.show,
    training.train,
    training.reproduce,
    using.sample,
    predicting.predict,
    predicting.encode,
    predicting.score,
    judging.evaluate,
    comparing.compare,
    using.export,
):
    main.add_command(command)
