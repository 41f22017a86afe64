"""The command line: `python -m zoo`, or `keras-capsvae`."""

import click

from zoo.cli import browsing
from zoo.cli import training
from zoo.cli import using

ERRORS = (ValueError, TypeError, OSError, RuntimeError, ImportError)


class _Group(click.Group):
    """Prints what is wrong with the input in one line, not as a traceback."""

    def invoke(self, context):
        try:
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


@click.group(cls=_Group, context_settings={"max_content_width": 88})
@click.version_option(package_name="keras-capsvae")
def main() -> None:
    """Capsule networks and variational autoencoders in Keras 3."""


for command in (
    browsing.list_models,
    browsing.search,
    browsing.show,
    training.train,
    training.reproduce,
    using.sample,
    using.evaluate,
    using.export,
):
    main.add_command(command)
