"""Ctrl-C that waits for the step under way."""

import contextlib
import signal
import threading
from collections.abc import Iterator

import keras


class _StopBetweenSteps(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.asked = False

    def _stop(self, batch, logs=None):
        if self.asked:
            raise KeyboardInterrupt

    on_train_batch_end = on_test_batch_end = _stop


@contextlib.contextmanager
def between_steps() -> Iterator[keras.callbacks.Callback]:
    """A callback that raises the KeyboardInterrupt of a Ctrl-C after its step.

    Raised within a step, it would unwind through the native code of a backend,
    which can crash the process. A second Ctrl-C does not wait. Outside the main
    thread, which alone receives signals, the callback does nothing.

    Example:

    >>> with between_steps() as callback:
    ...     model.fit(x, callbacks=[callback])
    """
    callback = _StopBetweenSteps()
    if threading.current_thread() is not threading.main_thread():
        yield callback
        return
    previous = signal.getsignal(signal.SIGINT)

    def note(number, frame):
        if callback.asked:
            signal.default_int_handler(number, frame)
        callback.asked = True

    signal.signal(signal.SIGINT, note)
    try:
        yield callback
    finally:
        signal.signal(signal.SIGINT, previous or signal.default_int_handler)
    if callback.asked:  # after the last step
        raise KeyboardInterrupt
