"""The table of outcomes, what it says, and how its figures were taken."""

from rich import box
from rich.table import Table as Grid


def print_report(console, table, outcomes, *, guess, n_folds, seed, jobs):
    """Print one data set's results: {estimator's name: {"skreg": Outcome, ...}}."""
    console.print(f"{table.name}: {table.notes[0]}", style="bold")
    for note in table.notes[1:]:
        console.print(note)
    console.print()
    console.print(results_grid(outcomes))
    console.print(reading(outcomes, guess, table.task))
    for line in footnotes(outcomes, n_folds, seed, jobs):
        console.print(line, style="dim")
    console.print()


def results_grid(outcomes):
    """The figures: a line for each side of each estimator."""
    scores = score_names(outcomes)
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    grid.add_column("", no_wrap=True)
    grid.add_column("chosen lambda")
    for name in (*scores, "non-zero", "seconds"):
        grid.add_column(name, justify="right")
    for name, sides in outcomes.items():
        grid.add_row(name, style="bold")
        for by, outcome in sides.items():
            grid.add_row(
                f" {by}",
                "\n".join(f"{key}={value:.3g}" for key, value in outcome.chosen.items()),
                *(spread(*outcome.scores[s]) if s in outcome.scores else "-" for s in scores),
                f"{outcome.n_nonzero}/{outcome.n_coef}",
                f"{outcome.seconds:.2f}",
            )
    return grid


def score_names(outcomes):
    """Names of the scores that any estimator has, the one that chooses lambda first."""
    return list(dict.fromkeys(s for pair in outcomes.values() for s in pair["skreg"].scores))


def spread(mean, deviation):
    """Mean ± standard deviation: three decimals for scores near 1, as errors need otherwise."""
    return f"{figure(mean, mean)} ± {figure(deviation, mean)}"


def figure(value, scale):
    """A value with as many decimals as numbers of the size of `scale` deserve."""
    size = abs(scale)
    if size >= 1e5 or 0 < size < 1e-3:
        return f"{value:.3g}"
    return f"{value:.3f}" if size < 10 else f"{value:.1f}"


def reading(outcomes, guess, task):
    """What the table says, in three sentences."""
    score = score_names(outcomes)[0]
    ours = {name: sides["skreg"] for name, sides in outcomes.items()}
    best = max(ours, key=lambda name: ours[name].scores[score][0])
    mean, deviation = ours[best].scores[score]
    weakest = ours[best].weakest
    constant = "the mean" if task == "regression" else "the commonest class"
    text = (
        f"Reading: {best} reaches {score} {mean:.3f}; with the weakest penalty tried it has "
        f"{figure(weakest, weakest)}, and always guessing {constant} has {guess:.3f}."
    )
    near = [name for name in ours if ours[name].scores[score][0] >= mean - deviation]
    small = min(near, key=lambda name: ours[name].n_nonzero)
    if ours[small].n_nonzero < ours[best].n_nonzero:
        text += (
            f" {small} comes within one standard deviation of it with "
            f"{ours[small].n_nonzero} of {ours[small].n_coef} coefficients."
        )
    took = " and ".join(took_of(by, outcomes) for by in ("skreg", "scikit-learn"))
    gap = max(
        abs(sides["skreg"].scores[score][0] - sides["scikit-learn"].scores[score][0])
        for sides in outcomes.values()
    )
    apart = "agrees to three decimals" if gap < 5e-4 else f"differs by up to {gap:.3f}"
    return (
        f"{text} The searches (the estimators' own fits alone) took {took}; their {score} {apart}."
    )


def took_of(by, outcomes):
    """One side's seconds, summed over the estimators."""
    seconds = sum(sides[by].seconds for sides in outcomes.values())
    fits = sum(sides[by].fit_seconds for sides in outcomes.values())
    return f"{by} {seconds:.2f} s ({fits:.2f} s)"


def footnotes(outcomes, n_folds, seed, jobs):
    """How the figures were taken, and which fits did not converge."""
    scores = score_names(outcomes)
    everyone = [outcome for sides in outcomes.values() for outcome in sides.values()]
    runs = sorted({outcome.n_runs for outcome in everyone})
    how = {(1,): "one run each", (3,): "median of 3 runs"}.get(
        tuple(runs), "median of 3 runs, or one run where it is long"
    )
    yield (
        f"{' and '.join(scores)}: mean ± standard deviation over {n_folds} test folds, the same "
        f"for both sides (seed {seed}), at the lambda with the best mean {scores[0]}. The folds "
        f"chose lambda, so new data may score a little lower."
    )
    yield (
        "Non-zero: coefficients (weights) of the model refitted on all rows, without intercepts. "
        f"Seconds: a whole search (n_jobs={jobs}, one thread each) from preprocessing to the "
        f"refit, the sides in turn after a warm-up; {how}."
    )
    for name, sides in outcomes.items():
        if any(outcome.n_unconverged for outcome in sides.values()):
            counts = " and ".join(
                f"{outcome.n_unconverged} of {outcome.n_fits} fits of {by}"
                for by, outcome in sides.items()
            )
            yield (
                f"{name}: {counts} gave a ConvergenceWarning"
                f" at max_iter={sides['skreg'].max_iter}, the same budget for both."
            )
