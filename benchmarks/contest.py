"""A fair race: the same problem, each contestant at its best, samples taken in turn.

1. Tuning. A contestant runs on one thread at ever tighter tolerances until its certificate
   reaches its target (these runs warm the caches; who compiles or imports at the first
   run gets one more before), then with one thread and with all cores; the faster is kept.
2. Rounds. Every contestant is timed once a round, and each round starts with another one, so
   that a slow minute of the machine, or what one leaves in the caches, falls on all alike.
   Each waits until the threads of the one before, and of its certificate, are at rest.

A run cannot be interrupted inside compiled code. So the time limit is looked at after each one:
who exceeds it while tuning stays with the one sample taken there, and who has used it up in the
rounds leaves them.
"""

import gc
import math
import os
import statistics
import time
import warnings
from dataclasses import dataclass, field

# A net whose training loss lies above both of these, relative to the smallest loss of all
# contestants, has not done the same job.
LOSS_FACTOR, LOSS_MARGIN = 1.25, 0.05

LOOK, PATIENCE = 0.005, 1.0  # seconds between looks at idle threads, and at most in all


@dataclass
class Entry:
    """What is known about one contestant on one problem."""

    contestant: object
    problem: object
    tolerance: float | None = None
    threads: int = 1
    seconds: list = field(default_factory=list)
    certificate: float | None = None
    peak: int | None = None  # bytes beyond the data, where they are measured; see memory.py
    bound: int | None = None  # bytes beyond the data that its answer calls for
    reached: bool = False
    failed: bool = False
    note: str = ""

    @property
    def target(self):
        """What the certificate has to reach: a rival's may be looser than ours."""
        target = self.problem.target
        return target if self.contestant.ours else getattr(self.problem, "rival_target", target)

    @property
    def median(self):
        """Median seconds of the whole job, of which the samples may be a part."""
        return self.contestant.times * statistics.median(self.seconds)

    @property
    def quartiles(self):
        """First and third quartile of the samples (the sample itself where there is one)."""
        if len(self.seconds) == 1:
            return self.median, self.median
        first, _, third = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return self.contestant.times * first, self.contestant.times * third

    def tell(self, text):
        """Add to the note."""
        self.note = "; ".join(filter(None, [self.note, text]))


def available_cores():
    """Cores this process may use, which containers and `taskset` limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def race(problem, contestants, *, repeats, limit, cores, each_round=None, say=lambda text: None):
    """Return one `Entry` a contestant, in the order given.

    `each_round()` is called once a round, for what else has to be timed in the same minutes.
    """
    entries = [Entry(c, problem.one_fit if c.reference else problem) for c in contestants]
    gc.freeze()  # so that a collection before each sample needn't walk every library
    for entry in entries:
        say(f"tuning {entry.contestant.name}")
        guarded(entry, tune, limit, cores)
    running = [entry for entry in entries if not entry.failed and not entry.seconds]
    for turn in range(repeats):
        say(f"round {turn + 1} of {repeats}")
        start = turn % max(1, len(running))
        for entry in running[start:] + running[:start]:
            if not entry.failed and sum(entry.seconds) <= limit:
                guarded(entry, time_once)
        if each_round is not None:
            settle()
            each_round()
    gc.unfreeze()
    judge(entries)
    return entries


def guarded(entry, step, *args):
    """Take a step; a contestant's failure becomes its row and does not end the run."""
    try:
        step(entry, *args)
    except Exception as error:
        entry.failed = True
        entry.tell(f"failed: {type(error).__name__}: {error}")


def tune(entry, limit, cores):
    """Choose tolerance and threads; keep a sample only where that took longer than the limit."""
    contestant, problem, spent = entry.contestant, entry.problem, 0.0
    counts = contestant.thread_counts(cores)
    entry.threads = counts[0]
    contestant.load(problem)
    entry.tell(contestant.remark)
    tolerances = contestant.tolerances(entry.target)
    if contestant.slow_first_run:
        sample(contestant, problem, tolerances[0], entry.threads)
    for tolerance in tolerances:
        seconds, certificate = sample(contestant, problem, tolerance, entry.threads)
        spent += seconds
        if entry.certificate is None or certificate < entry.certificate:
            entry.tolerance, entry.certificate, kept = tolerance, certificate, seconds
        if spent > limit or entry.target is None or certificate <= entry.target:
            break
    if spent > limit:
        entry.seconds = [kept]
        entry.tell(f"over the limit of {limit:g} s: one sample, its warm-up")
        return
    if len(counts) > 1:
        # One trial can be spoiled by the machine; long ones average over that.
        count = 3 if kept < limit / 60 else 1
        trials = {threads: [] for threads in counts}
        for threads in counts * count:
            trials[threads].append(sample(contestant, problem, entry.tolerance, threads)[0])
        entry.threads = min(trials, key=lambda threads: statistics.median(trials[threads]))


def time_once(entry):
    """Add one sample; the certificate kept is the worst seen."""
    seconds, certificate = sample(entry.contestant, entry.problem, entry.tolerance, entry.threads)
    entry.seconds.append(seconds)
    entry.certificate = max(entry.certificate, certificate)


def sample(contestant, problem, tolerance, threads):
    """Return the seconds of one run, and its certificate, computed outside the timing."""
    gc.collect()
    settle()
    with contestant.threads(threads), warnings.catch_warnings():
        # Whether a solver converged is for the certificate to say.
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        model = contestant.solve(tolerance)
        seconds = time.perf_counter() - start
    return seconds, problem.certificate(contestant.answer(model))


def settle():
    """Wait until no thread of this process works.

    Those of a BLAS spin for a tenth of a second after each product, on a core that the next
    contestant would miss.
    """
    until = time.perf_counter() + PATIENCE
    while time.perf_counter() < until:
        before = time.process_time()
        time.sleep(LOOK)
        if time.process_time() - before < LOOK / 5:
            return


def judge(entries):
    """Say who reached the target; nets are held to the smallest loss of all that are ranked."""
    valid = [entry for entry in entries if not entry.failed]
    losses = [entry.certificate for entry in valid if not entry.contestant.reference]
    best = min(losses, default=math.inf)
    for entry in valid:
        target = entry.target
        if target is None:
            target = max(LOSS_FACTOR * best, best + LOSS_MARGIN)
        entry.reached = entry.certificate <= target
        if not entry.reached:
            entry.tell(f"target {target:.2g} not reached")


def best_rival(entries):
    """The fastest entry that reached the target and is not ours, or None."""
    rivals = [entry for entry in entries if entry.reached and not entry.contestant.ours]
    return min(rivals, key=lambda entry: entry.median, default=None)


def ranked(entries):
    """Return our entries that stand in the ranking: without the reference."""
    return [e for e in entries if e.contestant.ours and not e.contestant.reference]


def best_of_ours(entries):
    """Our fastest entry that reached the target, or None."""
    certified = [entry for entry in ranked(entries) if entry.reached]
    return min(certified, key=lambda entry: entry.median, default=None)


def one_fit(entries):
    """The single fit that ran beside the others, or None."""
    return next((e for e in entries if e.contestant.reference and e.reached), None)


def verdict(entries):
    """One line on how our fastest entry stands against the best rival."""
    ours, rival = best_of_ours(entries), best_rival(entries)
    if not ranked(entries):
        return "skreg takes no part"
    if ours is None:
        return "LOST: skreg does not reach the target"
    if all(entry.contestant.ours for entry in entries):
        return "no rival takes part"
    if rival is None:
        return "won: no rival reaches the target"
    ratio = ours.median / rival.median
    if ratio > 1:
        return f"LOST: {ratio:.2f} times the time of {rival.contestant.name}"
    return f"won: {ratio:.2f} times the time of {rival.contestant.name}"
