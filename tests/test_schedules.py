import copy
import doctest
import pickle
from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skreg import schedules
from skreg.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Cyclic,
    LinearWarmup,
    OneCycle,
    PowerLaw,
    Schedule,
    Step,
    resolve,
    values,
)


def half(t):
    """A user's own schedule, which knows numbers only."""
    return 0.5 if t < 3 else 0.25


READY = {
    "constant": Constant(0.3),
    "step": Step(0.3, factor=0.5, every=7),
    "power law": PowerLaw(0.3, a=0.75, tau=11),
    "cosine": Cosine(0.3, final=0.01),
    "restarts": Cosine(0.3, final=0.01, n_cycles=3, cycle_growth=1.7),
    "warm-up": LinearWarmup(0.3, 5),
    "warm-up to a cosine": LinearWarmup(Cosine(0.3), 0.2, start=0.02),
    "warm-up to a function": LinearWarmup(half, 5),
    "one cycle": OneCycle(0.3),
    "cyclic": Cyclic(0.01, 0.3, period=8),
    "halving": Cyclic(0.01, 0.3, period=8, shape="triangle2"),
    "waves": Cyclic(0.01, 0.3, period=8, shape="cosine"),
    "coslog": CosLog4(0.3),
}
NEED_A_HORIZON = ["cosine", "restarts", "warm-up to a cosine", "one cycle", "coslog"]
every_schedule = pytest.mark.parametrize("name", READY)


# What all of them do


@every_schedule
def test_arrays_hold_the_values_of_numbers(name):
    f = READY[name].over(40)
    t = np.arange(60)
    found = f(t)
    assert found.dtype == np.float64
    assert found.shape == (60,)
    one_by_one = [f(int(k)) for k in t]
    assert all(type(value) is float for value in one_by_one)
    assert_array_equal(found, one_by_one)
    assert_array_equal(f(t.reshape(6, 10)), found.reshape(6, 10))
    assert_array_equal(f(t.tolist()), found)
    assert_array_equal(f(t.astype(np.uint8)), found)
    assert f([]).shape == (0,)


@every_schedule
def test_values_stay_between_zero_and_the_largest(name):
    found = READY[name].over(40)(np.arange(200))
    assert found.min() >= 0
    assert found.max() <= 0.5 + 1e-15
    assert found.max() > 0.2


@every_schedule
def test_copies_are_equal_and_do_the_same(name):
    schedule = READY[name]
    for f in (
        copy.deepcopy(schedule),
        clone(schedule, safe=False),
        pickle.loads(pickle.dumps(schedule)),
    ):
        assert f == schedule
        assert hash(f) == hash(schedule)
        assert_array_equal(f.over(40)(range(50)), schedule.over(40)(range(50)))


@pytest.mark.parametrize("name", sorted(set(READY) - {"warm-up to a function"}))
def test_what_is_printed_can_be_typed(name):
    assert eval(repr(READY[name]), vars(schedules)) == READY[name]


@every_schedule
def test_parameters_are_fixed(name):
    with pytest.raises(FrozenInstanceError):
        READY[name].initial = 1.0


@pytest.mark.parametrize("name", NEED_A_HORIZON)
def test_a_missing_horizon_is_asked_for(name):
    with pytest.raises(ValueError, match=r"needs the planned number of updates: pass .*n_steps="):
        READY[name](3)


@pytest.mark.parametrize("name", sorted(set(READY) - set(NEED_A_HORIZON)))
def test_others_need_no_horizon(name):
    assert_array_equal(READY[name](range(30)), READY[name].over(40)(range(30)))


@pytest.mark.parametrize("name", NEED_A_HORIZON)
def test_a_horizon_that_is_given_stays(name):
    f = READY[name].over(40)
    assert f.n_steps == 40
    assert READY[name].n_steps is None
    assert f.over(90) is f
    assert not np.allclose(f(range(40)), READY[name].over(90)(range(40)))


@pytest.mark.parametrize("n_steps", [0, -1, 10.0, None, True, "10"])
def test_bad_horizons_are_refused(n_steps):
    for schedule in (Cosine(0.1), Constant(0.1)):
        with pytest.raises(ValueError, match=r"n_steps must be an int .*got"):
            schedule.over(n_steps)
    if n_steps is not None:
        with pytest.raises(ValueError, match=r"n_steps must be an int .*got"):
            Cosine(0.1, n_steps=n_steps)


@pytest.mark.parametrize("t", [-1, [0, -2], np.nan, np.inf, "1", None, 1j])
def test_bad_times_are_refused(t):
    with pytest.raises(ValueError, match=r"t must count updates, .*got"):
        Step(0.1, every=2)(t)


@given(
    schedule=st.sampled_from(sorted(READY)),
    n_steps=st.integers(6, 10**7),
    t=st.integers(0, 10**9),
)
def test_any_horizon_gives_finite_values(schedule, n_steps, t):
    value = READY[schedule].over(n_steps)(t)
    assert 0 <= value <= 0.5 + 1e-15


def test_times_in_short_integers():
    for schedule in (LinearWarmup(0.3, 300), Cyclic(0.1, 0.3, period=600)):
        assert schedule(np.uint8(200)) == schedule(200)


# Known answers


def test_constant():
    assert_array_equal(Constant(0.25)(range(3)), [0.25] * 3)
    assert Constant(2)(1) == 2.0
    assert Constant(2)(range(3)).dtype == np.float64


def test_step_drops_at_multiples():
    f = Step(1.0, factor=0.1, every=3)
    assert_allclose(f(range(8)), [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01], rtol=1e-14)
    assert Step(1.0, every=1)(10**6) == 0.0  # underflows without a word


def test_power_law():
    f = PowerLaw(2.0, a=2, tau=10)
    assert_allclose(f([0, 10, 30]), [2, 2 / 4, 2 / 16], rtol=1e-14)
    assert_allclose(PowerLaw(2.0, tau=3)(9), 2 / np.sqrt(4), rtol=1e-14)
    assert_array_equal(PowerLaw(2.0, a=0, tau=3)(range(5)), [2.0] * 5)


def test_cosine():
    f = Cosine(3.0, final=1.0).over(12)
    t = np.arange(13)
    assert_allclose(f(t), 2 + np.cos(np.pi * t / 12), rtol=1e-14)
    assert f(0) == 3.0
    assert f(12) == f(13) == f(10**9) == 1.0
    rising = Cosine(0.0, final=1.0).over(4)
    assert_allclose(rising(range(5)), [0, (1 - np.sqrt(0.5)) / 2, 0.5, (1 + np.sqrt(0.5)) / 2, 1])


def test_cosine_restarts_in_cycles_that_grow():
    f = Cosine(1.0, n_cycles=3, cycle_growth=2).over(70)  # cycles of 10, 20 and 40 updates
    for begin, length in ((0, 10), (10, 20), (30, 40)):
        t = np.arange(length)
        assert_allclose(f(begin + t), (1 + np.cos(np.pi * t / length)) / 2, atol=1e-15)
    assert f(70) == 0.0


@given(
    n_cycles=st.integers(1, 20),
    cycle_growth=st.floats(1, 10),
    extra=st.integers(0, 10**6),
)
def test_every_cycle_begins_at_the_first_value(n_cycles, cycle_growth, extra):
    n_steps = n_cycles + extra
    f = Cosine(1.0, final=0.5, n_cycles=n_cycles, cycle_growth=cycle_growth).over(n_steps)
    lengths = cycle_growth ** np.arange(n_cycles)
    ends = n_steps * np.cumsum(lengths) / lengths.sum()
    for end in ends[:-1]:
        # to the next whole update, whatever rounding makes of halves
        assert 1.0 in f([max(int(end + 0.5 - 1e-6), 0), int(end + 0.5 + 1e-6)])
    assert f(n_steps) == 0.5
    assert f(n_steps - 1) > 0.5


def test_cycles_that_grow_beyond_all_bounds():
    f = Cosine(1.0, n_cycles=300, cycle_growth=1e10).over(1000)
    assert_allclose(f(range(1001)), Cosine(1.0).over(1000)(range(1001)), atol=1e-15)


def test_warmup_to_a_number():
    f = LinearWarmup(0.8, 4)
    assert_allclose(f(range(7)), [0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8], rtol=1e-14)
    assert_allclose(LinearWarmup(0.8, 2, start=0.4)(range(3)), [0.4, 0.6, 0.8], rtol=1e-14)
    assert_array_equal(LinearWarmup(0.8, 0)(range(3)), [0.8] * 3)


@pytest.mark.parametrize("n_warmup", [10, 0.2])
def test_warmup_starts_the_clock_of_what_follows(n_warmup):
    f = LinearWarmup(Cosine(2.0, final=0.5), n_warmup).over(50)
    after = Cosine(2.0, final=0.5).over(40)
    assert_allclose(f(range(10)), 2.0 * np.arange(10) / 10, rtol=1e-14)
    assert_array_equal(f(np.arange(10, 60)), after(np.arange(50)))


def test_warmup_to_a_function_gives_it_whole_numbers():
    seen = []

    def recorded(t):
        seen.append(t)
        return 0.5 if t == 0 else 0.25

    f = LinearWarmup(recorded, 2)
    assert_allclose(f(range(5)), [0, 0.25, 0.5, 0.25, 0.25])
    assert all(type(t) is int for t in seen)
    assert set(seen) == {0, 1, 2}


def test_warmups_can_be_nested():
    inner = LinearWarmup(Cosine(1.0), 5, start=0.5)
    f = LinearWarmup(inner, 5).over(30)
    assert_allclose(f([0, 5, 10, 20, 30]), [0, 0.5, 1, 0.5, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("share", "n_steps", "n_warmup"), [(0.29, 100, 29), (0.1, 4, 0), (0.99, 2, 1), (0.5, 1, 0)]
)
def test_shares_of_the_training_become_whole_updates(share, n_steps, n_warmup):
    f = LinearWarmup(1.0, share).over(n_steps)
    assert_array_equal(f(range(n_steps)) < 1, np.arange(n_steps) < n_warmup)


def test_one_cycle():
    f = OneCycle(2.0, initial_div=4, final_div=100, rise=0.25).over(40)
    up, down = np.arange(11), np.arange(31)
    assert_allclose(f(up), 0.5 + 1.5 * (1 - np.cos(np.pi * up / 10)) / 2, rtol=1e-14)
    assert_allclose(f(10 + down), 0.02 + 1.98 * (1 + np.cos(np.pi * down / 30)) / 2, rtol=1e-12)
    assert f(0) == 0.5
    assert f(10) == 2.0
    assert f(40) == f(41) == 0.02


def test_one_cycle_s_defaults():
    f = OneCycle(1.0).over(10)
    assert_allclose(f([0, 3, 10]), [1 / 25, 1, 1e-4], rtol=1e-14)


def test_cyclic():
    t = np.arange(9)
    assert_allclose(Cyclic(1.0, 3.0, period=4)(t), [1, 2, 3, 2, 1, 2, 3, 2, 1])
    halving = Cyclic(1.0, 3.0, period=4, shape="triangle2")(np.arange(11))
    assert_allclose(halving, [1, 2, 3, 2, 1, 1.5, 2, 1.5, 1, 1.25, 1.5])
    waves = Cyclic(1.0, 3.0, period=8, shape="cosine")(t)
    assert_allclose(waves, 2 - np.cos(np.pi * t / 4), rtol=1e-14)


def test_coslog4():
    f = CosLog4(2.0).over(150)
    assert_allclose(f([0, 10, 30, 70, 150, 151]), 0, atol=1e-15)
    t = np.arange(151)
    assert_allclose(f(t), 1 - np.cos(2 * np.pi * np.log2(1 + t / 10)), rtol=0, atol=1e-14)
    peaks = (2 ** (np.arange(4) + 0.5) - 1) / 15 * 150
    assert_allclose(f(peaks), 2.0)


# Parameters


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, "0.1", None, True, 1j])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Constant, "value"),
        (lambda x: Step(x, every=2), "initial"),
        (lambda x: Step(0.1, factor=x, every=2), "factor"),
        (lambda x: Step(0.1, every=x), "every"),
        (lambda x: PowerLaw(x, tau=2), "initial"),
        (lambda x: PowerLaw(0.1, a=x, tau=2), "a"),
        (lambda x: PowerLaw(0.1, tau=x), "tau"),
        (Cosine, "initial"),
        (lambda x: Cosine(0.1, final=x), "final"),
        (lambda x: Cosine(0.1, n_cycles=x), "n_cycles"),
        (lambda x: Cosine(0.1, cycle_growth=x), "cycle_growth"),
        (lambda x: LinearWarmup(0.1, x), "n_warmup"),
        (lambda x: LinearWarmup(0.1, 2, start=x), "start"),
        (OneCycle, "peak"),
        (lambda x: OneCycle(0.1, initial_div=x), "initial_div"),
        (lambda x: OneCycle(0.1, final_div=x), "final_div"),
        (lambda x: OneCycle(0.1, rise=x), "rise"),
        (lambda x: Cyclic(x, 1.0, period=4), "low"),
        (lambda x: Cyclic(0.1, x, period=4), "high"),
        (lambda x: Cyclic(0.1, 1.0, period=x), "period"),
        (lambda x: Cyclic(0.1, 1.0, period=4, shape=x), "shape"),
        (CosLog4, "initial"),
    ],
)
def test_bad_parameters_are_refused(make, name, bad):
    with pytest.raises(ValueError, match=rf"^{name} must be .*; got"):
        make(bad)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Step(0.1, factor=0, every=2), r"factor must be .*\(0.0, 1.0\]; got 0"),
        (lambda: Step(0.1, factor=1.1, every=2), r"factor must be .*got 1.1"),
        (lambda: Step(0.1, every=0), r"every must be an int .*got 0"),
        (lambda: Step(0.1, every=2.0), r"every must be an int .*got 2.0"),
        (lambda: PowerLaw(0.1, tau=0), r"tau must be .*\(0.0, inf\); got 0"),
        (lambda: Cosine(0.1, cycle_growth=0.9), r"cycle_growth must be .*got 0.9"),
        (lambda: Cosine(0.1, n_cycles=4, n_steps=3), r"n_cycles=4 are more than the 3 updates"),
        (lambda: Cosine(0.1, n_cycles=4).over(3), r"n_cycles=4 are more than the 3 updates"),
        (lambda: LinearWarmup(0.1, 1.0), r"n_warmup must be .*got 1.0; a float is a share"),
        (lambda: LinearWarmup(0.1, 9, n_steps=9), r"n_warmup=9 leaves none of the 9 updates"),
        (lambda: LinearWarmup(0.1, 10).over(9), r"n_warmup=10 leaves none of the 9 updates"),
        (
            lambda: LinearWarmup(Cosine(0.1, n_cycles=4), 7).over(10),
            r"n_cycles=4 are more than the 3 updates",
        ),
        (lambda: LinearWarmup(-0.1, 2), r"after must be .*got -0.1"),
        (lambda: OneCycle(0.1, rise=0), r"rise must be .*\(0.0, 1.0\); got 0"),
        (lambda: OneCycle(0.1, rise=1), r"rise must be .*got 1"),
        (lambda: Cyclic(0.2, 0.1, period=4), r"high must be at least low=0.2; got 0.1"),
        (lambda: Cyclic(0.1, 0.2, period=1), r"period must be .*got 1"),
        (lambda: Cyclic(0.1, 0.2, period=4, shape="saw"), r"shape must be .*got 'saw'"),
    ],
)
def test_limits_of_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("after", ["cosine", None, [0.1]])
def test_warmup_to_nothing_that_can_follow(after):
    with pytest.raises(TypeError, match=r"after must be a number, a schedule or a function"):
        LinearWarmup(after, 5)


# From a hyperparameter to its values


def test_resolve():
    assert resolve(0.1, 10) == Constant(0.1)
    assert resolve(np.float32(0.5), 10)(3) == 0.5
    assert resolve(Cosine(0.1), 10) == Cosine(0.1, n_steps=10)
    assert resolve(Cosine(0.1, n_steps=5), 10) == Cosine(0.1, n_steps=5)
    assert resolve(half, 10) is half


def test_resolve_without_a_horizon():
    assert resolve(Cosine(0.1)) == Cosine(0.1)
    assert resolve(0.1) == Constant(0.1)


def test_resolve_refuses_what_is_no_schedule():
    for bad in ("cosine", None, [0.1]):
        with pytest.raises(TypeError, match=r"^dropout must be a number, .*got .*Cosine"):
            resolve(bad, 10, "dropout")
    for bad in (-0.1, np.nan, np.inf, True):
        with pytest.raises(ValueError, match=r"^dropout must be a float .*got"):
            resolve(bad, 10, "dropout")
    with pytest.raises(ValueError, match=r"^n_steps must be"):
        resolve(Cosine(0.1), 0)


@every_schedule
def test_values_of_ready_schedules(name):
    f = resolve(READY[name], 40)
    assert_array_equal(values(f, 7, 45), f(np.arange(7, 45)))


def test_ready_schedules_are_called_once(monkeypatch):
    calls = []
    monkeypatch.setattr(Constant, "_at", lambda self, t: calls.append(t) or np.ones(t.shape))
    assert_array_equal(values(Constant(0.1), 3, 1000), np.ones(997))
    assert len(calls) == 1


def test_values_of_a_function():
    found = values(half, 1, 5)
    assert found.dtype == np.float64
    assert_array_equal(found, [0.5, 0.5, 0.25, 0.25])
    assert values(half, 5, 5).shape == (0,)
    assert_array_equal(values(lambda t: np.float32(t), 0, 3), [0, 1, 2])
    assert_array_equal(values(lambda t: Fraction(1, t + 1), 0, 2), [1, 0.5])


@pytest.mark.parametrize("bad", [np.nan, -np.inf, None, "0.1", 1j, True, np.ones(2)])
def test_values_that_are_no_numbers(bad):
    with pytest.raises(ValueError, match=r"^dropout: .*returned .* for t=4; return a finite"):
        values(lambda t: bad if t == 4 else 0.1, 2, 6, "dropout")


def test_base_class():
    assert all(isinstance(schedule, Schedule) for schedule in READY.values())


def test_docstring_examples_run():
    result = doctest.testmod(schedules)
    assert result.attempted > 0
    assert result.failed == 0
    finder = doctest.DocTestFinder()
    for name in schedules.__all__:
        assert any(t.examples for t in finder.find(getattr(schedules, name))), name
