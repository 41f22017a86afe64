import signal
import threading

import pytest

from zoo.runs import interrupts


def press():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("end", ["on_train_batch_end", "on_test_batch_end"])
def test_an_interrupt_waits_for_the_end_of_its_step(end):
    before, reached = signal.getsignal(signal.SIGINT), False
    with (
        pytest.raises(KeyboardInterrupt),
        interrupts.between_steps() as callback,
    ):
        getattr(callback, end)(0)
        press()
        reached = True
        getattr(callback, end)(1)
        pytest.fail("the step's end let the interrupt pass")
    assert reached and signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_after_the_last_step_is_not_lost():
    reached = False
    with pytest.raises(KeyboardInterrupt), interrupts.between_steps():
        press()
        reached = True
    assert reached


def test_a_second_interrupt_does_not_wait():
    with pytest.raises(KeyboardInterrupt), interrupts.between_steps():
        press()
        press()
        pytest.fail("the second interrupt waited")


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
