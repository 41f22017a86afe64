import signal
import threading

import pytest

from zoo import interrupts


def press():
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_waits_for_the_end_of_its_step():
    before = signal.getsignal(signal.SIGINT)
    with interrupts.between_steps() as callback:
        callback.on_train_batch_end(0)
        press()
        with pytest.raises(KeyboardInterrupt):
            callback.on_train_batch_end(1)
        with pytest.raises(KeyboardInterrupt):
            callback.on_test_batch_end(0)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_does_not_wait():
    with interrupts.between_steps():
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_another_thread_is_left_alone():
    before, seen = signal.getsignal(signal.SIGINT), []

    def enter():
        with interrupts.between_steps() as callback:
            seen.append(signal.getsignal(signal.SIGINT))
            callback.on_train_batch_end(0)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
