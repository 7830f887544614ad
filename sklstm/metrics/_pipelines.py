"""The estimator that predicts in searches and pipelines."""

from sklearn.pipeline import Pipeline


def last_step(estimator, X) -> tuple:
    """Return the estimator that predicts at the end of fitted searches and pipelines, and what it sees of `X`."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            X = estimator[:-1].transform(X) if len(estimator) > 1 else X
            estimator = estimator[-1]
        else:
            return estimator, X
