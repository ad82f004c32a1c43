"""What a whole run says: how many times faster than the best rival, and than scikit-learn."""

from statistics import geometric_mean
from typing import NamedTuple

from contest import best_of_ours, best_rival
from rich.table import Table

CLEAR = 2.0  # times as fast as the best rival: a clear win


class Result(NamedTuple):
    """Seconds in one case, None where nobody reached the target."""

    case: str
    ours: float | None
    rival: float | None
    rival_name: str
    default: float | None  # what scikit-learn does unless told otherwise

    @classmethod
    def of(cls, case, problem, entries):
        """Keep the seconds of a race, not its data."""
        defaults = [e for e in entries if e.reached and e.contestant.is_default(problem)]
        ours, rival = best_of_ours(entries), best_rival(entries)
        return cls(
            case,
            ours and ours.median,
            rival and rival.median,
            rival.contestant.name if rival else "nobody",
            min((e.median for e in defaults), default=None),
        )

    @property
    def gain(self):
        """How many times as fast as the best rival."""
        return times(self.rival, self.ours)

    @property
    def gain_on_default(self):
        """How many times as fast as scikit-learn's default."""
        return times(self.default, self.ours)


def times(theirs, ours):
    """Return the ratio: 0 where ours is not there, None where only they are not."""
    if ours is None:
        return 0.0
    return None if theirs is None else theirs / ours


def summary(results):
    """Return a table of all cases, with counts and the geometric mean below."""
    table = Table(title="all cases", title_justify="left", caption_justify="left")
    heads = ["case", "skreg", "best rival", "seconds", "times"]
    if any(r.default for r in results):
        heads += ["scikit-learn", "times"]
    for head in heads:
        table.add_column(head, justify="left" if head in ("case", "best rival") else "right")
    for r in results:
        cells = [r.case, shown(r.ours), r.rival_name, shown(r.rival), shown(r.gain)]
        cells += [shown(r.default), shown(r.gain_on_default)]
        table.add_row(*cells[: len(heads)])
    table.caption = "\n".join(conclusions(results))
    return table


def conclusions(results):
    """Yield the sentences below the table."""
    gains = {r.case: r.gain for r in results if r.gain is not None}
    clear = sum(gain >= CLEAR for gain in gains.values())
    yield (
        f"at least {CLEAR:g} times as fast as the best rival in {clear} of {len(gains)} cases; "
        f"lost: {'; '.join(case for case, gain in gains.items() if gain < 1) or 'none'}"
    )
    on_default = [r.gain_on_default for r in results if r.gain_on_default]
    if on_default:
        yield (
            f"scikit-learn's default takes {geometric_mean(on_default):.3g} times as long "
            f"(geometric mean of {len(on_default)} cases)"
        )


def shown(number):
    return "" if number is None else f"{number:.3g}"
