"""The base of all estimators, changes of their state, the tasks of a fit, whole fits, and the types in files."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from . import __version__
from ._compat import CallbackSupportMixin, with_callbacks

DOCUMENTATION = "https://sklstm.readthedocs.io/en/latest/"  # tests compare pyproject.toml and README.md with it
VERSION = "_sklstm_version"  # the key in a file, never an attribute
UNKNOWN_VERSION = "pre-0.1"  # of files without that key
_NOTHING = object()  # in the place of an attribute that was not there before a fit
_needs_whole_fits = ContextVar("_needs_whole_fits", default=False)


class VersionedEstimator(CallbackSupportMixin, BaseEstimator):
    """An estimator that takes scikit-learn's callbacks, and whose files and HTML representation are of this package.

    Files store the version, and the representation links to the documentation.
    """

    _doc_link_module = "sklstm"
    _doc_link_template = DOCUMENTATION + "api/generated/{estimator_module}.{estimator_name}.html"

    def __getstate__(self):
        return {**super().__getstate__(), VERSION: __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop(VERSION, UNKNOWN_VERSION)
        if version != __version__:
            warnings.warn(
                _InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)


class _InconsistentVersionWarning(InconsistentVersionWarning):
    """scikit-learn's warning, with versions of this package."""

    def __str__(self):
        return (
            f"Trying to load estimator {self.estimator_name} from sklstm {self.original_sklearn_version} when "
            f"using sklstm {self.current_sklearn_version}. Its results may be invalid. Load it with the version that "
            "saved it, or fit it again."
        )


def trusted_types() -> list[str]:
    """Return the types to trust when skops loads estimators of this package.

    A file of skops is loaded without pickle, and only if all types in it are trusted. skops trusts estimators of
    scikit-learn, arrays and plain data by itself. What fits of this package keep consists of those, so that no other
    types are needed, for whatever parameters. Functions and classes of your own, such as `network` or `tokenizer`, are
    not among them: append their names once you have reviewed them.

    Returns
    -------
    names : list of str
        The full names of all public classes of this package.

    See Also
    --------
    skops.io.load : Its parameter `trusted` takes this list.

    Examples
    --------
    >>> import sklstm
    >>> sklstm.trusted_types()[:2]
    ['sklstm.ConformalForecaster', 'sklstm.LSTMAnomalyDetector']

    With skops installed::

        skops.io.dump(model, "model.skops")
        model = skops.io.load("model.skops", trusted=sklstm.trusted_types())
    """
    import sklstm

    return [f"sklstm.{name}" for name in sklstm.__all__ if isinstance(getattr(sklstm, name), type)]


def all_at_once(fit: Callable) -> Callable:
    """Let a fit change the estimator as a whole when it ends, and not at all if it fails.

    Meanwhile another thread may predict, and sees the earlier fit. Callbacks are torn down however it ends.
    """
    fit = with_callbacks(fit)

    @wraps(fit)
    def fit_aside(self, *args, **kwargs):
        aside = snapshot(self)
        before = dict(vars(aside))
        fit(aside, *args, **kwargs)
        after = vars(aside)
        # What the fit did not change may have been changed by others.
        changed = {name: value for name, value in after.items() if value is not before.get(name, _NOTHING)}
        kept = {name: value for name, value in vars(self).items() if name in after or name not in before}
        self.__dict__ = kept | changed
        return self

    return fit_aside


def as_one_task(fit: Callable) -> Callable:
    """Let scikit-learn's callbacks see a fit as a single task."""

    @wraps(fit)
    def fit_in_task(self, X, *args, **kwargs):
        y = args[0] if args else kwargs.get("y")
        task = self._init_callback_context().call_on_fit_task_begin(estimator=self, X=X, y=y)
        fit(self, X, *args, **kwargs)
        task.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes={})
        return self

    return fit_in_task


@contextmanager
def subtask(context, estimator: BaseEstimator, fitted: BaseEstimator, name: str) -> Iterator[None]:
    """Let scikit-learn's callbacks see the fit of another estimator as a part of the fit of this one."""
    task = context.subcontext(task_name=name)
    with task.propagate_callback_context(fitted):
        task.call_on_fit_task_begin(estimator=estimator)
        yield
        task.call_on_fit_task_end(estimator=estimator)


@contextmanager
def whole_fits() -> Iterator[None]:
    """Let an interrupt go on beyond the fits inside, which otherwise would end with the weights so far."""
    before = _needs_whole_fits.set(True)
    try:
        yield
    finally:
        _needs_whole_fits.reset(before)


def needs_whole_fits() -> bool:
    """Tell whether a fit is inside `whole_fits`."""
    return _needs_whole_fits.get()


def of_one_fit(method: Callable) -> Callable:
    """Let a method that reads several attributes read those of one fit, whatever fits end in other threads."""

    @wraps(method)
    def read(self, *args, **kwargs):
        return method(snapshot(self), *args, **kwargs)

    return read


def snapshot(estimator: BaseEstimator) -> BaseEstimator:
    """Return another estimator with the same attributes, taken in one step."""
    other = object.__new__(type(estimator))
    vars(other).update(vars(estimator))
    return other
