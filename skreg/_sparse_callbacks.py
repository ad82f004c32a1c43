"""Fits as scikit-learn's callbacks see them: a task, which may have subtasks.

An estimator that inherits from `sklearn.callback.CallbackSupportMixin`, and whose `fit` is
wrapped by `_validation.fit_context` (which ends the life of the callbacks), runs its fit inside
`fit_task`. What it does several times, such as folds or the alphas of a path, are `subtask`s.
"""

from contextlib import contextmanager


@contextmanager
def fit_task(estimator, X, y, sample_weight=None, *, subtasks=0, in_order=True):
    """The task of a whole fit, whose context it yields, or None where nobody watches.

    0 `subtasks` are none, None an unknown number. With `in_order=False` the subtasks run side by
    side and need ids of their own. The fitted attributes must be set before the end, where
    callbacks may predict with them.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    data = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
    context = estimator._init_callback_context(max_subtasks=subtasks, sequential_subtasks=in_order)
    context.call_on_fit_task_begin(**data)
    yield context
    context.call_on_fit_task_end(**data, reconstruction_attributes={})


@contextmanager
def subtask(context, estimator, name, *, task_id=None, subtasks=0, in_order=True):
    """A part of the task with that context; yields its own, None where nobody watches."""
    if context is None or not getattr(estimator, "_skl_callbacks", None):
        yield None
        return
    own = context.subcontext(
        task_name=name, task_id=task_id, max_subtasks=subtasks, sequential_subtasks=in_order
    )
    own.call_on_fit_task_begin(estimator=estimator)
    yield own
    own.call_on_fit_task_end(estimator=estimator)
