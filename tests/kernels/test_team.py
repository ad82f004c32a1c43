"""Threads that share out work: every task is done once, whoever comes late."""

import os
import threading
import time

import numpy as np
import pytest

from skreg._kernels.team import Team
from skreg._solvers import threads
from skreg._solvers.network import outputs, split
from tests.kernels.test_network import run, whole
from tests.network_cases import case, network, team_of


def test_a_team_counts_all_its_threads():
    assert Team().threads == 1
    assert Team(3).threads == 4


def test_helpers_go_home_when_the_team_is_closed():
    before = threading.active_count()
    with team_of(3):
        assert threading.active_count() == before + 2
    assert threading.active_count() == before


def test_nobody_waits_for_helpers_that_never_came():
    # Two helpers are promised, and none runs: the works are done all the same.
    net = network((6, 5, 3))
    parameters, X, targets, weight = case(net, 9)
    alone = run(net, (0.0, 0.0), parameters, X, targets, weight, chunk=2, tasks=whole(net))
    promised = run(
        net, (0.0, 0.0), parameters, X, targets, weight, chunk=2, tasks=whole(net), team=Team(2)
    )
    np.testing.assert_array_equal(alone[1], promised[1])


@pytest.mark.parametrize("size", [2, 5])
def test_many_short_works_are_all_done(size):
    # More threads than cores take turns in the middle of a work, and come back in a later one.
    net = network((6, 5, 3))
    parameters, X, targets, weight = case(net, 9)
    expected = run(net, (0.0, 0.0), parameters, X, targets, weight, chunk=1)[1]
    with team_of(size) as team:
        for _ in range(500):
            found = run(
                net, (0.0, 0.0), parameters, X, targets, weight, chunk=1, tasks=whole(net),
                team=team,
            )[1]  # fmt: skip
            np.testing.assert_array_equal(found, expected)


def test_idle_helpers_sleep():
    with team_of(3):
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.1


def test_teams_within_teams_do_not_wait_for_each_other():
    # What runs between two works of a team may ask for teams as well: more than there are threads.
    net = network((300, 200, 3))
    parameters, X, *_ = case(net, 500)
    with threads.team() as outer, threads.team() as middle, threads.team() as inner:
        assert outer.threads == middle.threads == inner.threads
    with threads.team(), threads.team(), threads.team():
        found = outputs(X, *split(parameters, net.units), net.activations)
    np.testing.assert_array_equal(
        found, outputs(X, *split(parameters, net.units), net.activations)
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_team_of_its_own():
    net = network((300, 200, 3))
    parameters, X, *_ = case(net, 1500)
    arguments = (X, *split(parameters, net.units), net.activations)
    expected = outputs(*arguments)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(outputs(*arguments), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_interrupt_while_helpers_are_called_leaves_none(monkeypatch):
    submit = threads.helpers().submit

    def interrupted(*work):
        submit(*work)
        raise KeyboardInterrupt

    seen = []
    monkeypatch.setattr(threads, "available", lambda: 2)
    monkeypatch.setattr(
        threads, "helpers", lambda: type("Pool", (), {"submit": staticmethod(interrupted)})
    )
    monkeypatch.setattr(threads, "Team", lambda n: seen.append(Team(n)) or seen[-1])
    with pytest.raises(KeyboardInterrupt), threads.team():
        pass
    # The helper has gone home: its thread does other work.
    assert submit(lambda: 1).result(timeout=10) == 1
    seen[0].help()  # returns, as the team is closed
