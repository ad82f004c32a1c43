import _thread
import os
import signal
import threading
import time

import pytest

# scikit-learn's checks of array API inputs run only with SciPy's support switched on, and SciPy
# reads this when it is first imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")


@pytest.fixture
def interrupt_after():
    """A function that presses Ctrl-C so many seconds later, and then knows when: `pressed`.

    Python's own handler is installed for the test: a shell that started the tests in the
    background has told them to ignore the signal.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timers = []

    def press():
        start.pressed = time.perf_counter()
        _thread.interrupt_main()

    def start(seconds):
        timers.append(threading.Timer(seconds, press))
        timers[-1].start()

    yield start
    for timer in timers:
        timer.cancel()
        timer.join()
    signal.signal(signal.SIGINT, before)
