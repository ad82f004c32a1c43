"""Fits as scikit-learn's callbacks see them: a task, which may have subtasks.

An estimator that inherits from `sklearn.callback.CallbackSupportMixin`, and whose `fit` is
wrapped by `_validation.fit_context` (which ends the life of the callbacks), runs its fit inside
`fit_task`. What it does several times, such as folds, the alphas of a path or epochs, are
`subtask`s.
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
    data = task_data(estimator, X, y, sample_weight)
    context = estimator._init_callback_context(max_subtasks=subtasks, sequential_subtasks=in_order)
    context.call_on_fit_task_begin(**data)
    yield context
    context.call_on_fit_task_end(**data, reconstruction_attributes={})


def task_data(estimator, X, y, sample_weight):
    """What a callback may ask for."""
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return {"estimator": estimator, "X": X, "y": y, "metadata": metadata}


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


def finished_subtask(context, estimator, name, X, y, sample_weight=None, **attributes):
    """Tell of a subtask that is over, with a model that can predict; True if one says stop.

    `attributes` are the fitted ones that such a model has beyond those of the estimator.
    """
    if context is None:
        return False
    own = context.subcontext(task_name=name)
    data = task_data(estimator, X, y, sample_weight)
    own.call_on_fit_task_begin(**data)
    return own.call_on_fit_task_end(**data, reconstruction_attributes=attributes)
