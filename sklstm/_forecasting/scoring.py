"""What scikit-learn asks of a regressor, for targets in which values are missing."""

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array, check_consistent_length

from .._validation import has_target


class ForecasterMixin(MultiOutputMixin, RegressorMixin):
    """A regressor whose target may be missing in some rows, which do not count."""

    def score(self, X, y, sample_weight=None):
        """Return the coefficient of determination of the predictions, over the rows whose target is complete.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `predict`.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values. A row in which any of them is NaN does not count.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            R² of :func:`~sklearn.metrics.r2_score`, averaged over outputs with uniform weight.
        """
        y = check_array(y, dtype="numeric", ensure_2d=False, ensure_all_finite="allow-nan", input_name="y")
        check_consistent_length(X, y, sample_weight)
        known = has_target(y)
        if not known.any():
            raise ValueError("Input y contains NaN in every row. Pass at least one row with a known target.")
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        return r2_score(y[known], self.predict(X)[known], sample_weight=weight)
