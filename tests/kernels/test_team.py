"""Threads that help with many short works, whether they come early, late or never."""

from threading import Thread

import numpy as np
import pytest

from skreg._kernels.team import Team
from tests.kernels.test_network import run
from tests.network_cases import case, network, team_of

NET = network((6, 5, 3))
DATA = case(NET, 24)
TASKS = np.array([(layer, k, k + 1) for layer, n in enumerate(NET.units[:-1]) for k in range(n)])


def gradient(team):
    """24 tasks, then 11, each a few microseconds."""
    return run(NET, (0.0, 0.3), *DATA, chunk=1, tasks=TASKS, team=team)


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_every_task_of_every_work_is_done_once(threads):
    # Twice done, a gradient that accumulates would be too large.
    value, expected = gradient(Team())
    with team_of(threads) as team:
        assert team.threads == threads
        for _ in range(300):
            found = gradient(team)
            assert found[0] == value
            np.testing.assert_array_equal(found[1], expected)
            grads = np.ones_like(expected)
            run(NET, (0.0, 0.3), *DATA, chunk=1, tasks=TASKS, team=team, grads=grads)
            np.testing.assert_allclose(grads, 1 + expected, rtol=1e-13)


def test_nobody_waits_for_helpers_who_never_come():
    found, expected = gradient(Team(3)), gradient(Team())
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_helpers_may_come_late_and_go_home_when_it_is_closed():
    team = Team(1)
    expected = gradient(team)[0]
    helper = Thread(target=team.help)
    helper.start()
    assert gradient(team)[0] == expected
    assert helper.is_alive()
    team.close()
    helper.join(10)
    assert not helper.is_alive()
    # Who comes after the end goes home at once, and the work is done all the same.
    team.help()
    assert gradient(team)[0] == expected
