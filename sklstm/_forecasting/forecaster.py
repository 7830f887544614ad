"""The forecaster: a regressor on windows."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import RegressionHead
from .._base.linear import LinearModel, fit_linear
from .._base.scaling import target_scale, unit_scale
from .._base.splitting import last_rows
from .._compat import Interval, StrOptions, fit_context
from .._specs import WINDOWS, Sample, Scale
from .._state import all_at_once, of_one_fit
from .._validation import check_target, check_weights, has_target, target_names, weights_of_known
from .._windows.arrays import are_sliding
from .scoring import ForecasterMixin


class LSTMForecaster(ForecasterMixin, BaseLSTM):
    """Forecast with a long short-term memory (LSTM) network.

    The network reads a window of steps, oldest first, and a linear layer maps its last hidden state to the
    outputs [1]_ [2]_. Steps with missing values (NaN) are skipped. Beside it stands a linear autoregression on the
    window, so that the network learns what a linear model cannot [3]_ [4]_.

    Parameters
    ----------
    units : int or sequence of int, default=50
        Number of units of the LSTM layer; a sequence stacks layers.

    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
        The loss to minimise, averaged over outputs, and over rows by `sample_weight`. Huber's loss turns
        from squared to absolute at 1, which is a standard deviation of the target if `normalize=True`.

    linear_skip : bool, default=True
        Whether to add a linear model of the window: a ridge regression, whose penalty is chosen by leave-one-out error.
        The network is then trained on the residuals of the linear model, in which a missing step has the values of the
        one before it.

    bidirectional : bool, default=False
        Whether each layer reads the steps in both directions, with `units` units each.

    dropout : float, default=0.0
        Fraction of each layer's inputs that are dropped in training, in the range [0, 1).

    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is dropped in training, in the range [0, 1).

    optimizer : str, default="adam"
        Name of a Keras optimizer: "adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam",
        "rmsprop" or "sgd".

    learning_rate : float, default=0.005
        Learning rate of the optimizer, in the first epoch.

    learning_rate_schedule : {"constant", "cosine"}, default="cosine"
        Whether the learning rate is constant, or decays along a cosine to nearly zero over the `epochs` of a fit [5]_.

    global_clipnorm : float or None, default=1.0
        Maximum norm of the gradient of all weights together: gradient clipping [6]_. If None, gradients are not
        clipped.

    epochs : int, default=100
        Number of passes over the training data; the maximum number with `early_stopping=True`.

    batch_size : int, default=32
        Number of rows, each a sequence, in a step of the optimizer.

    early_stopping : bool, default=True
        Whether to hold out the last rows, stop when the loss on them no longer falls, and restore the
        weights with which it was lowest. With `linear_skip=True`, the network's part of the prediction is then scaled
        by the factor from 0 to 1 with the least loss on those rows [7]_; the linear model is learnt from all rows.

    validation_fraction : float, default=0.2
        Fraction of the rows to hold out; only with `early_stopping=True`.

    validation_gap : int or "auto", default="auto"
        Number of rows between those to train on and those held out that are left out; only with `early_stopping=True`.
        If "auto", it is the number of outputs less one if the windows around there slide over one series, each being
        the one before it moved on by one step, so that no row is trained on a future that overlaps those to predict;
        and 0 otherwise. Windows of a single step do not tell.

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
        without arguments that makes one, such as a class. A class of your own, or Keras' ``LambdaCallback``, may change
        the model; the next fit of the same network then compiles anew. What a callback saves of its model loads in
        Keras alone, and takes and returns raw values. ``BackupAndRestore`` is refused.

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

    linear_coef_ : ndarray of shape (n_steps_in_, n_features, n_outputs_)
        Coefficients of the linear model for standardised features; zeros if `linear_skip=False`.

    target_mean_, target_scale_ : ndarray of shape (n_outputs_,)
        What is added to predictions, and what the network's output is multiplied with: the mean of the target, or
        the intercept of the linear model if there is one, and the target's standard deviation. If `normalize=False`,
        the scale is one, and the mean zero unless it is an intercept.

    See Also
    --------
    SlidingWindow : Makes windows inside a pipeline.
    to_supervised : Makes aligned `X` and `y`.
    forecast : Forecasts several steps beyond the end of a series.
    backtest : Forecasts a known series from a rolling origin.
    SeasonalNaive : The baseline, on the same windows.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual prediction with LSTM",
       Neural Computation 12(10), 2000.
    .. [3] G. P. Zhang, "Time series forecasting using a hybrid ARIMA and neural network model", Neurocomputing 50,
       2003.
    .. [4] G. Lai, W.-C. Chang, Y. Yang and H. Liu, "Modeling long- and short-term temporal patterns with deep
       neural networks", SIGIR, 2018.
    .. [5] I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR, 2017.
    .. [6] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML, 2013.
    .. [7] L. Breiman, "Stacked regressions", Machine Learning 24, 1996.

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

    _parameter_constraints: dict = {
        **BaseLSTM._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber"})],
        "linear_skip": ["boolean"],
        "bidirectional": ["boolean"],
        "validation_gap": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "normalize": ["boolean"],
    }

    def __init__(
        self,
        units=50,
        *,
        loss="squared_error",
        linear_skip=True,
        bidirectional=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.005,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs=100,
        batch_size=32,
        early_stopping=True,
        validation_fraction=0.2,
        validation_gap="auto",
        n_iter_no_change=10,
        tol=1e-4,
        normalize=True,
        warm_start=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.units = units
        self.loss = loss
        self.linear_skip = linear_skip
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.global_clipnorm = global_clipnorm
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation_gap = validation_gap
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.normalize = normalize
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Train the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. A step in which any feature is NaN is
            missing.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, one column for each step ahead or variable. A row in which any of them is NaN counts as no row.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. A row of weight zero counts as no row.

        X_val, y_val, sample_weight_val : array-like like `X`, `y` and `sample_weight`, default=None
            Rows for early stopping to look at, in the place of the last ones of `X`. In a pipeline,
            ``Pipeline(..., transform_input=["X_val"])`` makes windows of `X_val` as of `X`.

        Returns
        -------
        self : LSTMForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not as described, or `X_val` and `y_val` are not both there or without
            `early_stopping=True`, before training; if the loss is no longer finite, while training. What was fitted
            before stays in all cases.

        Warns
        -----
        UserWarning
            If most of the steps that have any value are skipped, since another value is missing in them.
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In what joblib runs, such as a search or a cross-validation, the
            interrupt goes on.
        """
        return self._fit_network(
            X,
            y,
            sample_weight,
            epochs=self.epochs,
            resume=self.warm_start and hasattr(self, "weights_"),
            early_stopping=self.early_stopping,
            held_out=self._check_held_out(X_val, y_val, sample_weight_val),
        )

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    def partial_fit(self, X, y, sample_weight=None):
        """Train the network for one more epoch, on the same data or new ones.

        The first call starts a network and learns the statistics that `normalize` needs; they stay. No rows
        are held out: `early_stopping` is for `fit`.

        Parameters
        ----------
        X, y, sample_weight : array-like
            Windows, targets and weights, as in `fit`.

        Returns
        -------
        self : LSTMForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            As in `fit`, and if the data or `units` and `bidirectional` are not those of the fitted network.

        Warns
        -----
        UserWarning
            As in `fit`.
        """
        return self._fit_network(X, y, sample_weight, epochs=1, resume=hasattr(self, "weights_"))

    @of_one_fit
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
        check_is_fitted(self)
        return self._predict(self._check_inputs(X, reset=False)[WINDOWS])

    def _predict(self, X: np.ndarray) -> np.ndarray:
        """Predict the targets of validated windows."""
        y = self._predict_network({WINDOWS: X})
        return y[:, 0] if self._y_ndim == 1 else y

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
        return self._to_keras()

    def _network_settings(self):
        return {"bidirectional": bool(self.bidirectional)}

    def _check_target(self, X, y, *, reset):
        names, y = target_names(y), check_target(self, X, y)
        columns = y.reshape(len(y), -1)
        if reset:
            self._target_names, self._y_ndim, self.n_outputs_ = names, y.ndim, columns.shape[1]
        elif columns.shape[1] != self.n_outputs_ or y.ndim != self._y_ndim:
            raise ValueError(
                f"y has shape {y.shape}, but {type(self).__name__} is expecting {self._y_ndim} dimension(s) and "
                f"{self.n_outputs_} output(s)."
            )
        return columns

    def _check_sample(self, X, y, sample_weight, *, reset):
        sample = super()._check_sample(X, y, sample_weight, reset=reset)
        known = has_target(sample.y)
        if known.all():
            return sample
        sample_weight = check_weights(sample.windows, weights_of_known(sample.sample_weight, known))
        y = np.where(known[:, np.newaxis], sample.y, 0.0)
        return sample._replace(y=y, sample_weight=sample_weight, rows=np.flatnonzero(sample_weight))

    def _split_rows(self, sample):
        gap = self.validation_gap
        if gap == "auto":  # no training row's future may reach into those of the others
            gap = sample.y.shape[1] - 1
            first = last_rows(sample.rows, self.validation_fraction)[1][0]
            gap = gap if are_sliding(sample.windows[max(first - gap, 0) : first + 1]) else 0
        return last_rows(sample.rows, self.validation_fraction, gap)

    def _fit_head(self, sample, training_rows):
        y, sample_weight = sample.y, sample.sample_weight
        scale = target_scale(y, sample_weight, training_rows) if self.normalize else unit_scale(self.n_outputs_)
        self.target_mean_, self.target_scale_ = scale
        self.linear_coef_ = np.zeros((*sample.windows.shape[1:], self.n_outputs_))
        if self.linear_skip:  # trained on all rows, held out or not: early stopping is for the network only
            scale = Scale(self.feature_mean_, self.feature_scale_)
            self.linear_coef_, self.target_mean_ = fit_linear(sample, scale, self._seed)

    def _head(self):
        scale = Scale(self.feature_mean_, self.feature_scale_)
        linear = LinearModel(self.linear_coef_, self.target_mean_, scale)
        return RegressionHead(
            n_outputs=self.n_outputs_,
            loss=self.loss,
            zero_output=self.linear_skip,
            linear=linear,
            std=self.target_scale_,
        )

    def _train(self, training, validation, missing, *, epochs, resume):
        super()._train(training, validation, missing, epochs=epochs, resume=resume)
        if validation is not None and self.linear_coef_.any():
            self._shrink_network(validation)

    def _shrink_network(self, validation: Sample) -> None:
        """Scale the network's output by the factor from 0 to 1 with the least loss on the validation set."""
        from .. import _engine

        rows = validation.rows
        span = slice(rows[0], rows[-1] + 1)  # a view, also of rows between them that do not count
        outputs = self._network_output({WINDOWS: validation.windows[span]})[rows - rows[0]]
        factor = self._head().best_factor(outputs, validation.y[rows], validation.sample_weight[rows])
        self.weights_ = _engine.scale_output(self.weights_, np.float32(factor))
