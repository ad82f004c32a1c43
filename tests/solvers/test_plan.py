"""How passes are cut into tasks: all is covered once, and threads have no say."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skreg._kernels.training import PIECE_LENGTH
from skreg._solvers import plan, threads

SHAPES = st.lists(st.integers(1, 700), min_size=2, max_size=5).map(tuple)
ROWS = st.integers(1, 3000)


def n_weights(units):
    return sum(a * b for a, b in pairwise(units))


@settings(deadline=None)
@given(SHAPES, ROWS, st.booleans())
def test_tasks_cover_every_row_of_every_matrix_once(units, rows, is_sparse):
    tasks = plan.gradient_tasks(units, rows, is_sparse)
    assert tasks.dtype == np.int64
    for layer, fan_in in enumerate(units[:-1]):
        parts = tasks[tasks[:, 0] == layer, 1:]
        assert parts[0, 0] == 0
        assert parts[-1, 1] == fan_in
        np.testing.assert_array_equal(parts[1:, 0], parts[:-1, 1])
        sizes = np.diff(parts)
        assert (sizes >= min(fan_in, plan.NARROWEST - plan.ALIGNED)).all()
        assert (parts[1:, 0] % plan.ALIGNED == 0).all()
        assert len(parts) == 1 or not (is_sparse and layer == 0)


@settings(deadline=None)
@given(SHAPES, ROWS)
def test_chunks_cover_the_rows_and_small_batches_are_whole(units, rows):
    chunk = plan.chunk_rows(rows, n_weights(units))
    if rows * n_weights(units) < plan.SMALL_BATCH:
        assert chunk == rows
        assert len(plan.gradient_tasks(units, rows, False)) == len(units) - 1
    else:
        # Work for two threads at least, in chunks that BLAS still likes.
        assert 1 <= chunk <= max(rows // 2 + 1, 2 * plan.CHUNK)
        assert chunk >= min(plan.CHUNK, rows // 2)
    pieces = -(-rows // chunk)
    n = n_weights(units) + sum(units[1:])
    assert plan.n_partial(rows, chunk, n) >= max(pieces, 2 * n / PIECE_LENGTH)


def test_large_matrices_are_cut_where_rows_are_dense():
    dense, is_sparse = (plan.gradient_tasks((512, 512, 10), 256, s) for s in (False, True))
    assert len(dense) > len(is_sparse) == 2


@pytest.mark.parametrize("multiply_adds", [0, plan.SMALL_BATCH - 1, plan.SMALL_BATCH])
def test_small_batches_have_one_thread_and_blas_always(multiply_adds):
    before = threads.blas_counts()
    with plan.training_team(multiply_adds) as team:
        assert team.threads == (1 if multiply_adds < plan.SMALL_BATCH else threads.available())
        assert all(count == 1 for _, count in threads.blas_counts())
    assert [count for _, count in threads.blas_counts()] == [count for _, count in before]
