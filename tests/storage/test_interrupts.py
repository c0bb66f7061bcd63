"""Ctrl-C that is held back."""

from __future__ import annotations

import signal
import threading

import pytest

from graphnn.storage import DeferredInterrupt


def test_ctrl_c_is_held_back_and_then_let_through():
    done = []
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt() as held:
        signal.raise_signal(signal.SIGINT)
        done.append("held")
        with held.let_through():
            done.append("never")
    assert (done, held.came) == (["held"], True)
    with DeferredInterrupt() as held, pytest.raises(KeyboardInterrupt), held.let_through():
        signal.raise_signal(signal.SIGINT)
    assert held.came


def test_a_thread_holds_nothing_back():
    found = []

    def work():
        with DeferredInterrupt() as held, held.let_through():
            found.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]
