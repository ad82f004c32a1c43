"""Long paths on large sparse data, in stretches that are walked side by side.

Every `LENGTH`-th solution is found first, each from the one before; the solutions between two of
them follow from the first of the two, in any thread. So the result does not depend on how many
threads there are, and the way of one thread alone is hardly longer: what is saved on the way to
the first solutions is about what the larger steps cost.
"""

import threading

import numpy as np

from skreg._solvers.path import reads_columns, walk
from skreg._solvers.threads import LOOK, available, in_main_thread, is_given_up, side_by_side

LENGTH = 10  # alphas from one of the first solutions to the next


def walk_in_stretches(features, y, penalty, alphas, *, start=None, **options):
    """The points of `walk`, in its order, in stretches where that pays."""
    descending = len(alphas) >= 2 * LENGTH and np.all(np.diff(alphas) < 0)
    if not (descending and reads_columns(features)):
        return walk(features, y, penalty, alphas, start=start, **options)

    def part(alphas, start):
        return walk(features, y, penalty, alphas, start=start, **options)

    stretches = Stretches(part, alphas, start, features.shape[1])
    threads = available() if in_main_thread() else 1
    side_by_side([stretches.first] + (threads - 1) * [stretches.between], threads)
    return iter(stretches.points)


class Stretches:
    """A path whose parts are found by `part(alphas, start)`."""

    def __init__(self, part, alphas, start, n_features):
        self.part, self.alphas, self.start, self.n_features = part, alphas, start, n_features
        self.points = [None] * len(alphas)
        self.ready, self.left = [], len(alphas[::LENGTH])  # where stretches begin; how many wait
        self.news = threading.Condition()

    def first(self):
        """Find the solutions at which stretches begin, then help with the others."""
        for k, point in enumerate(self.part(self.alphas[::LENGTH], self.start)):
            self.points[k * LENGTH] = point
            with self.news:
                self.ready.append(k * LENGTH)
                self.news.notify()
            if is_given_up():
                return
        self.between()

    def between(self):
        """Walk stretches as long as there are any."""
        while (begin := self.next()) is not None:
            start, point = np.zeros(self.n_features), self.points[begin]
            start[point.support] = point.coef
            inside = self.alphas[begin + 1 : begin + LENGTH]
            for k, point in enumerate(self.part(inside, start), begin + 1):
                self.points[k] = point
                if is_given_up():
                    return

    def next(self):
        """Where the stretch begins that is ready and longest on its way, the last one; or None."""
        with self.news:
            while self.left and not self.ready and not is_given_up():
                self.news.wait(LOOK)
            if not self.left or is_given_up():
                return None
            self.left -= 1
            if self.left == 0:
                self.news.notify_all()
            return self.ready.pop()
