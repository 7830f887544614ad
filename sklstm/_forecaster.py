"""The forecaster: a regressor on windows."""

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ._base import BaseLSTM
from ._validation import check_target


class LSTMForecaster(MultiOutputMixin, RegressorMixin, BaseLSTM):
    """Forecast with a long short-term memory (LSTM) network.

    The network reads a window of steps, oldest first, and a linear layer maps its last hidden state to the
    outputs [1]_ [2]_. Steps with missing values (NaN) are skipped.

    Parameters
    ----------
    units : int or sequence of int, default=50
        Number of units of the LSTM layer; a sequence stacks layers.

    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
        The loss to minimise, averaged over outputs, and over rows by `sample_weight`. Huber's loss turns
        from squared to absolute at 1, which is a standard deviation of the target if `normalize=True`.

    bidirectional : bool, default=False
        Whether each layer reads the window in both directions, with `units` units each.

    dropout : float, default=0.0
        Fraction of each layer's inputs that are dropped in training, in the range [0, 1).

    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is dropped in training, in the range [0, 1).

    optimizer : str, default="adam"
        Name of a Keras optimizer: "adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam",
        "rmsprop" or "sgd".

    learning_rate : float, default=0.005
        Learning rate of the optimizer.

    epochs : int, default=100
        Number of passes over the training rows; the most, if `early_stopping=True`.

    batch_size : int, default=32
        Number of rows in a step of the optimizer.

    early_stopping : bool, default=False
        Whether to hold out the last rows, stop when the loss on them no longer falls, and restore the
        weights with which it was lowest.

    validation_fraction : float, default=0.1
        Fraction of the rows to hold out; only with `early_stopping=True`.

    n_iter_no_change : int, default=10
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    normalize : bool, default=True
        Whether to standardise each feature and each target, by the statistics of the training rows weighted by
        `sample_weight`. Predictions are in the units of ``y`` either way.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its statistics and its optimizer's state, for another
        `epochs` epochs.

    callbacks : Keras callback, callable, or list of them, default=None
        Callbacks to call in training, each a Keras callback, of which every fit uses a copy, or a callable
        without arguments that makes one, such as a class. A class that is not Keras' own may change the model;
        the next fit of the same network then compiles anew.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of rows in each epoch, and dropout. Pass an int for the same
        fit in every call and process.

    verbose : int, default=0
        Keras' verbosity in training: 0 is silent, 1 shows a progress bar, 2 prints a line an epoch.

    Attributes
    ----------
    n_features_in_ : int
        Number of features at each step; for 2-D input the number of columns, which is that of steps.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a window.

    n_outputs_ : int
        Number of outputs.

    n_iter_ : int
        Number of epochs that the network has been trained for.

    history_ : dict of str to list of float
        The training loss after each epoch (``"loss"``), in units of the standardised target if
        `normalize=True`; with `early_stopping=True` also that of the rows held out (``"val_loss"``).

    weights_ : list of ndarray, float32
        The network's weights in the order of Keras: for each layer and direction the kernel of shape
        (n_inputs, 4 * units), the recurrent kernel of shape (units, 4 * units) and the bias of shape
        (4 * units,), their columns in the order input gate, forget gate, cell candidate, output gate; then the
        kernel and bias of the output layer.

    feature_mean_, feature_scale_ : ndarray of shape (n_features,)
        What features are standardised with; zeros and ones if `normalize=False`.

    target_mean_, target_scale_ : ndarray of shape (n_outputs_,)
        What targets are standardised with; zeros and ones if `normalize=False`.

    See Also
    --------
    SlidingWindow : Makes windows inside a pipeline.
    to_supervised : Makes aligned `X` and `y`.
    forecast : Forecasts several steps beyond the end of a series.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual prediction with LSTM",
       Neural Computation 12(10), 2000.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMForecaster, SlidingWindow, to_supervised
    >>> from sklstm.datasets import make_sine
    >>> X, y = to_supervised(make_sine(200))
    >>> model = make_pipeline(SlidingWindow(10), LSTMForecaster(units=8, epochs=20, random_state=0))
    >>> model.fit(X[:160], y[:160]).score(X[160:], y[160:]) > 0.9
    True
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. A step in which any feature is NaN is
            missing.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, one column for each step ahead or variable.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. A row of weight zero counts as no row.

        Returns
        -------
        self : LSTMForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not as described, before training; if the loss is no longer finite, while
            training. What was fitted before stays in both cases.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        return self._fit_network(
            X, y, sample_weight, epochs=self.epochs, resume=resume, early_stopping=self.early_stopping
        )

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train the network for one more epoch, on the same data or new ones.

        The first call starts a network and learns the statistics that `normalize` needs; they stay. No rows
        are held out: `early_stopping` is for `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `fit`.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, as in `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.

        Returns
        -------
        self : LSTMForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            As in `fit`, and if the data or `units` and `bidirectional` are not those of the fitted network.
        """
        return self._fit_network(X, y, sample_weight, epochs=1, resume=hasattr(self, "weights_"))

    def predict(self, X):
        """Predict the targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, with as many dimensions, steps and features as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            Predictions in the units and with the number of dimensions of the ``y`` in `fit`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.
        """
        return self._decode_output(self._network_output(X))

    def _predict_window(self, window: np.ndarray) -> np.ndarray:
        """Predict for one window, of shape (n_steps, n_features), that is known to be valid."""
        return self._decode_output(self._forward(window[np.newaxis]))[0]

    def to_keras(self):
        """Return the fitted network as a compiled Keras model.

        Returns
        -------
        model : keras.Model
            A model from windows of shape (n_samples, n_steps, n_features), missing steps as NaN, to outputs
            of shape (n_samples, n_outputs) in the units of ``y``. It computes in float32 throughout, where
            `predict` standardises in float64, and shares nothing with this estimator.
        """
        check_is_fitted(self)
        from . import _engine

        return _engine.to_keras(
            self._architecture(),
            self.weights_,
            feature_mean=self.feature_mean_,
            feature_scale=self.feature_scale_,
            output_mean=self.target_mean_,
            output_scale=self.target_scale_,
            loss=self.loss,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
        )

    def _encode_target(self, X, y, rows, sample_weight, *, reset):
        y = check_target(self, X, y)
        columns = y.reshape(len(y), -1)
        if reset:
            self._y_ndim = y.ndim
            self.target_mean_, self.target_scale_ = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
            if self.normalize:
                scaler = StandardScaler().fit(columns[rows], sample_weight=sample_weight[rows])
                self.target_mean_, self.target_scale_ = scaler.mean_, scaler.scale_
        elif columns.shape[1] != self.n_outputs_ or y.ndim != self._y_ndim:
            raise ValueError(
                f"y has shape {y.shape}, but {type(self).__name__} is expecting {self._y_ndim} dimension(s) and "
                f"{self.n_outputs_} output(s)."
            )
        return (columns - self.target_mean_) / self.target_scale_

    def _decode_output(self, output):
        y = output * self.target_scale_ + self.target_mean_
        return y[:, 0] if self._y_ndim == 1 else y
