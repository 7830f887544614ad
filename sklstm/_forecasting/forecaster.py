"""The forecaster: a regressor on windows."""

from math import ceil
from numbers import Integral

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import QuantileHead, RegressionHead, weighted_quantiles
from .._base.level import LevelModel, fit_level
from .._base.linear import LinearModel, fit_linear
from .._base.scaling import deviation_scale, target_scale
from .._base.splitting import Split, blocks
from .._compat import Interval, StrOptions, fit_context
from .._specs import NUMBERS, WINDOWS, Meaning, Sample, Scale
from .._state import all_at_once, of_one_fit
from .._validation import check_quantiles, check_target, check_weights, has_target, target_names, weights_of_known
from .._windows.arrays import are_sliding, has_any_step, rows_with_weight
from .._windows.windows import Windows, part, steps_of
from .scoring import ForecasterMixin

AUTO_STEPS, MIN_EPOCHS, MAX_EPOCHS = 1000, 5, 100  # of epochs="auto": steps of the optimizer, and the limits


def _forecasts_quantiles(forecaster) -> bool:
    """Tell whether the networks are, or will be, those of quantiles."""
    if not hasattr(forecaster, "weights_"):
        if forecaster.loss == "quantile":
            return True
        raise AttributeError(f"predict_quantiles is available with loss='quantile' only. Got loss={forecaster.loss!r}.")
    if "quantiles" in forecaster._network:
        return True
    raise AttributeError("The fitted networks forecast no quantiles. Fit anew with loss='quantile'.")


class LSTMForecaster(ForecasterMixin, BaseLSTM):
    """Forecast with long short-term memory (LSTM) networks and a linear model.

    Each network reads a window of steps, oldest first. A linear layer maps its last hidden state to the outputs
    [1]_ [2]_. Steps with missing values (NaN) are masked. A linear autoregression reads the same window. The prediction
    is a weighted average of both [3]_, with weights chosen on validation sets.

    Parameters
    ----------
    units : int or sequence of int, default=50
        Number of units of the LSTM layer; a sequence stacks layers.

    network : {"lstm", "gru", "conv_lstm", "lstm_fcn"} or callable, default="lstm"
        The layers between the windows and the output layer.

        - "lstm": LSTM layers.
        - "gru": gated recurrent units instead (Cho et al., 2014).
        - "conv_lstm": LSTM layers after a convolutional network, whose first layer is followed by pooling. Their last
          hidden state, the mean of all, and the mean of the convolutions are passed to the output layer.
        - "lstm_fcn": LSTM layers beside a fully convolutional network (Karim et al., 2018). They read one feature after
          the other, each with all its steps.
        - A callable: a function that is called with two symbolic tensors of Keras. The first one, of shape (n_samples,
          n_steps, n_features), has standardised features or embedded tokens, and zeros at missing steps. The second
          one, of shape (n_samples, n_steps), is a mask that is True at steps that are present. The function returns a
          tensor of shape (n_samples, n_numbers), made by Keras layers that it makes itself. `units`, `bidirectional`,
          `dropout` and `recurrent_dropout` are passed to parameters of these names. To be pickled, it must be defined
          at the top level of a module.

    network_params : dict, default=None
        Other parameters of the callable: numbers, strings, booleans and lists of them. Of "conv_lstm" they are
        ``filters=(64, 64, 64)``, ``kernel_sizes=(32, 10, 6)`` and ``pool_size=4``, for fewer than 64 steps
        ``kernel_sizes=(8, 5, 3)`` and ``pool_size=1``. Of "lstm_fcn" they are ``filters=(128, 256, 128)`` and
        ``kernel_sizes=(8, 5, 3)``.

    n_networks : int, default=4
        Number of networks, whose mean is predicted. They have different initial weights and orders of rows and, with
        `early_stopping=True`, different validation sets [9]_.

    loss : {"absolute_error", "squared_error", "huber", "quantile"}, default="absolute_error"
        The loss of the networks, averaged over outputs, and over rows by `sample_weight`. With "absolute_error" they
        forecast medians, with "squared_error" means. Huber's loss changes from squared to absolute at 1, which is one
        standard deviation of the target of the networks unless `normalize=False`. With "quantile", the pinball loss
        [10]_ averaged over `quantiles`, each network forecasts all quantiles of all outputs [11]_. `predict` returns
        the medians, `predict_quantiles` all quantiles.

    quantiles : sequence of float, default=(0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
        Levels of the quantiles to forecast, in the open interval (0, 1) and in ascending order, 0.5 among them; only
        with `loss="quantile"`.

    linear_skip : bool, default=True
        Whether to add a linear model of the window: a ridge regression, with the penalty of the smallest leave-one-out
        error. Missing steps are filled with the previous step that is present or, if there is none, with the next one.
        With `early_stopping=True`, the prediction is a weighted average of the networks and the linear model. The
        weights, from 0 to 1, minimise the loss on the last validation set, or on all validation sets if the networks
        then have a smaller weight. They are chosen with models that are not trained on these rows. Otherwise, and after
        a first `partial_fit`, the networks are trained on the residuals of the linear model [4]_, and the prediction is
        the sum of both.

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
        Whether the learning rate is constant, or decays along a cosine to nearly zero over the `epochs` of a fit [7]_.

    global_clipnorm : float or None, default=1.0
        Maximum norm of the gradient of all weights together: gradient clipping [8]_. If None, gradients are not
        clipped.

    epochs : int or "auto", default="auto"
        Number of passes over the training data; the maximum number with `early_stopping=True`. If "auto", as many as
        make 1000 steps of the optimizer, but at least 5 and at most 100.

    batch_size : int, default=32
        Number of rows, each a sequence, in a step of the optimizer.

    early_stopping : bool, default=True
        Whether each network has a validation set, stops when the validation loss no longer falls, and restores the
        weights with the lowest one. The validation set of a single network is the last rows. Those of several networks
        are blocks, spread evenly from the first rows to the last ones, so that together they learn from all rows; but
        if a block would leave fewer rows than it has, all have the last ones. The linear model is fitted on all rows.
        For windows of a panel, the blocks of all series are at the same times.

    validation_fraction : float, default=0.2
        Fraction of the rows in the validation set of a network; only with `early_stopping=True`.

    validation_gap : int or "auto", default="auto"
        Number of rows on either side of the validation set that the network is not trained on; only with
        `early_stopping=True`. It keeps the targets of training rows from overlapping validation targets. If
        "auto", it is the number of outputs less one if the windows are of a panel, or if the last windows slide over
        one series by one step each; and 0 otherwise. Windows of a single step do not show this: pass ``horizon - 1``.

    n_iter_no_change : int, default=10
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    normalize : {"window", True, False}, default="window"
        Normalisation of the inputs and targets of the networks, with statistics of the training rows weighted by
        `sample_weight`. Predictions are in the units of ``y`` in all cases.

        - "window": the inputs are the standardised deviations of each feature from its mean in the window, and the
          hyperbolic tangent of the standardised mean [5]_ [6]_. The targets are standardised deviations from a level.
          If a target is the future of a feature, up to a scale, its level is the mean of this feature in the window.
          Otherwise, it is a ridge regression on the means of all features. With a trend, the level leaves the range of
          the training rows, but the deviations do not.
        - True: each feature and each target is standardised.
        - False: no normalisation.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its statistics and its optimizer's state, for another
        `epochs` epochs.

    callbacks : Keras callback, callable, or list of them, default=None
        Callbacks to call in training, each a Keras callback, of which every fit uses a copy, or a callable
        without arguments that makes one, such as a class. A class of your own, or Keras' ``LambdaCallback``, may change
        the model; the next fit of the same network then compiles anew. What a callback saves of its model loads in
        Keras alone, and takes and returns raw values. ``BackupAndRestore`` is refused. Each network has callbacks of
        its own, so those that write a file need `n_networks=1`.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the order of rows in each epoch, and dropout. Pass an int for the same
        fit in every call and process.

    verbose : int, default=0
        0 is silent, 1 shows one progress bar for all epochs of all networks, with the loss and the time left, and 2
        prints a line an epoch.

    Attributes
    ----------
    n_features_in_ : int
        Number of features at each step. For 2-D input, the number of columns, which equals the number of steps.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a window.

    n_outputs_ : int
        Number of outputs.

    n_iter_ : int
        Number of epochs of the network with the longest training.

    history_ : dict of str to list of float
        The loss on the training set (``"loss"``) after each epoch and, with `early_stopping=True`, on the validation
        set (``"val_loss"``), NaN after epochs without a validation set. Each is the mean over the networks that were
        trained for so many epochs. Unless `normalize=False`, losses are in units of the standardised target, or of its
        standardised deviations from the level.

    weights_ : list of ndarray, float32
        The networks' weights, one network after the other, each in the order of Keras: for each layer and direction the
        kernel of shape (n_inputs, 4 * units), the recurrent kernel of shape (units, 4 * units) and the bias of shape
        (4 * units,), their columns in the order input gate, forget gate, cell candidate, output gate; then the
        kernel and bias of the output layer. With `loss="quantile"`, that layer has an output for each quantile of the
        first output, then for each of the second one. With `normalize="window"`, the inputs of the first layer are the
        deviations of all features, then the means of all features.

    network_weight_ : float
        Weight of the networks in the prediction.

    linear_weight_ : float
        Weight of the linear model in the prediction: 1 - `network_weight_`, or 1 if the networks were trained on its
        residuals, or 0 if `linear_skip=False`.

    feature_mean_, feature_scale_ : ndarray of shape (n_features,)
        Mean and scale of the features for their standardisation; zeros and ones if `normalize=False`.

    deviation_scale_ : ndarray of shape (n_features,) or None
        Standard deviation of each feature around its mean in a window; None unless `normalize="window"`.

    quantiles_ : tuple of float or None
        Levels of the quantiles that the networks forecast; None unless ``loss="quantile"``.

    linear_quantile_offsets_ : ndarray of shape (`n_outputs_`, n_quantiles) or None
        Quantiles of the residuals of the linear model on the validation sets, by a linear model that has not seen them,
        in the units of ``y``. The quantiles of the linear model are its prediction plus these. Zeros if it is not
        averaged with the networks; None unless `loss="quantile"`.

    linear_coef_ : ndarray of shape (`n_steps_in_`, n_features, `n_outputs_`)
        Coefficients of the linear model for standardised features; zeros if `linear_skip=False`.

    linear_intercept_ : ndarray of shape (`n_outputs_`,)
        Intercepts of the linear model.

    level_coef_ : ndarray of shape (n_features, `n_outputs_`)
        Coefficients of the level for the means of standardised features in a window; zeros unless
        `normalize="window"`.

    target_mean_, target_scale_ : ndarray of shape (`n_outputs_`,)
        Mean and standard deviation of the target or, with `normalize="window"`, of its deviations from the level. The
        output of a network is multiplied by the standard deviation, then the mean is added. The intercept of the level
        is part of the mean. If the networks were trained on residuals, the mean is zero.

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
    .. [3] J. M. Bates and C. W. J. Granger, "The combination of forecasts", Operational Research Quarterly 20(4), 1969.
    .. [4] G. P. Zhang, "Time series forecasting using a hybrid ARIMA and neural network model", Neurocomputing 50,
       2003.
    .. [5] T. Kim et al., "Reversible instance normalization for accurate time-series forecasting against distribution
       shift", ICLR, 2022.
    .. [6] D. Salinas, V. Flunkert, J. Gasthaus and T. Januschowski, "DeepAR: Probabilistic forecasting with
       autoregressive recurrent networks", International Journal of Forecasting 36(3), 2020.
    .. [7] I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR, 2017.
    .. [8] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML, 2013.
    .. [9] A. Krogh and J. Vedelsby, "Neural network ensembles, cross validation, and active learning", NIPS, 1994.
    .. [10] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46(1), 1978.
    .. [11] R. Wen, K. Torkkola, B. Narayanaswamy and D. Madeka, "A multi-horizon quantile recurrent forecaster", NIPS
       Time Series Workshop, 2017.

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
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile"})],
        "quantiles": ["array-like"],
        "linear_skip": ["boolean"],
        "bidirectional": ["boolean"],
        "validation_gap": [Interval(Integral, 0, None, closed="left"), StrOptions({"auto"})],
        "normalize": ["boolean", StrOptions({"window"})],
    }

    def __init__(
        self,
        units=50,
        *,
        network="lstm",
        network_params=None,
        n_networks=4,
        loss="absolute_error",
        quantiles=(0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975),
        linear_skip=True,
        bidirectional=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.005,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs="auto",
        batch_size=32,
        early_stopping=True,
        validation_fraction=0.2,
        validation_gap="auto",
        n_iter_no_change=10,
        tol=1e-4,
        normalize="window",
        warm_start=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.units = units
        self.network = network
        self.network_params = network_params
        self.n_networks = n_networks
        self.loss = loss
        self.quantiles = quantiles
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
        """Train the networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, oldest step first; 2-D input has one feature a step. A step in which any feature is NaN is
            missing. A row of which every step is missing is ignored.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, one column for each step ahead or variable. A row in which any of them is NaN is ignored.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. A row of weight zero is ignored.

        X_val, y_val, sample_weight_val : array-like like `X`, `y` and `sample_weight`, default=None
            Validation set for early stopping of all networks, instead of a part of `X`. In a pipeline,
            ``Pipeline(..., transform_input=["X_val"])`` transforms `X_val` like `X`, if scikit-learn's metadata routing
            is enabled and ``set_fit_request(X_val=True, y_val=True)`` was called.

        Returns
        -------
        self : LSTMForecaster
            The fitted estimator.

        Raises
        ------
        ValueError
            If the data are not as described, or `X_val` and `y_val` are not both there or without
            `early_stopping=True`, before training; if the loss is no longer finite, while training. The previous fit
            is kept in all cases.

        Warns
        -----
        UserWarning
            If most of the steps that have any value are skipped, since another value is missing in them.
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In a search, a cross-validation or an Optuna study, the
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
        """Train the networks for one more epoch, on the same data or new ones.

        The first call starts new networks and learns the statistics that `normalize` needs; they stay. There is
        no validation set: `early_stopping` only applies to `fit`.

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
            As in `fit`, and if the data or `units`, `n_networks`, `bidirectional` and, with `loss="quantile"`,
            `quantiles` are not those fitted.

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
            Predictions in the units and with the number of dimensions of the ``y`` in `fit`; the medians with
            `loss="quantile"`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.

        Warns
        -----
        UserWarning
            If all steps of a row are masked, so that its prediction does not depend on `X`.
        """
        check_is_fitted(self)
        return self._predict(self._check_inputs(X, reset=False)[WINDOWS])

    def _predict(self, X: np.ndarray) -> np.ndarray:
        """Predict the targets of validated windows."""
        y = self._predict_network({WINDOWS: X})
        if self._meaning() != NUMBERS:
            y = y[:, :, self._meaning().median]
        return y[:, 0] if self._y_ndim == 1 else y

    @available_if(_forecasts_quantiles)
    @of_one_fit
    def predict_quantiles(self, X):
        """Predict the quantiles of the targets.

        Quantiles of a row never cross. The quantiles of several networks and of the linear model are averaged level by
        level [1]_. Within a network, each quantile is the next one towards the median, plus or minus a non-negative
        increment [2]_.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, with as many dimensions, steps and features as in `fit`.

        Returns
        -------
        quantiles : ndarray of shape (n_samples, n_outputs, n_quantiles), float64
            For each output, also if ``y`` is 1-D, the quantiles of the fitted levels in ascending order, in the units
            of ``y``.

        Raises
        ------
        AttributeError
            If the estimator was not fitted with `loss="quantile"`.
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If `X` has other dimensions, steps, features or columns than in `fit`, or is invalid as in `fit`.

        Warns
        -----
        UserWarning
            If all steps of a row are masked, so that its prediction does not depend on `X`.

        See Also
        --------
        sklearn.metrics.mean_pinball_loss : The error of a quantile.

        References
        ----------
        .. [1] K. C. Lichtendahl, Y. Grushka-Cockayne and R. L. Winkler, "Is it better to average probabilities or
           quantiles?", Management Science 59(7), 2013.
        .. [2] Y. Park, D. Maddix, F.-X. Aubet, K. Kan, J. Gasthaus and Y. Wang, "Learning quantile functions without
           quantile crossing for distribution-free time series forecasting", AISTATS, 2022.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import LSTMForecaster
        >>> X = np.random.default_rng(0).standard_normal((200, 5, 1))
        >>> model = LSTMForecaster(units=4, epochs=5, loss="quantile", quantiles=(0.1, 0.5, 0.9), random_state=0)
        >>> quantiles = model.fit(X[:-1], X[1:, -1]).predict_quantiles(X)
        >>> quantiles.shape
        (200, 1, 3)
        >>> bool(np.all(np.diff(quantiles) > 0))
        True
        """
        check_is_fitted(self)
        return self._predict_network({WINDOWS: self._check_inputs(X, reset=False)[WINDOWS]})

    def _network_output(self, inputs, *, last_step=False):
        if self.network_weight_ == 0:
            return np.zeros((len(inputs[WINDOWS]), self._head().n_outputs))
        return super()._network_output(inputs, last_step=last_step)

    def _network_relevance(self, windows, output, tol):
        if self.network_weight_ == 0:
            return np.zeros(windows.shape), np.zeros(len(windows), dtype=bool)
        return super()._network_relevance(windows, output, tol)

    @of_one_fit
    def input_relevance(self, X, *, output=0, tol=1e-2):
        """Return how much each value of the windows adds to a prediction.

        The relevances are integrated gradients [1]_: the gradient of the prediction, averaged over the straight path
        from a baseline to the window, times their difference. The baseline is the mean window: at each step it has the
        mean of each feature over the training rows, or zeros if ``normalize=False``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Windows, as in `predict`.

        output : int or str, default=0
            The column of ``y``, by its position, or by its name if ``y`` was a DataFrame in `fit`.

        tol : float, default=1e-2
            The gradient is averaged over 8 points of the path, and over twice as many until the relevances change by
            less than this share of the sum of their absolute values, and their own sum is right within it. The rest of
            that sum is then shared out in proportion.

        Returns
        -------
        relevance : ndarray of shape (n_samples, n_steps, n_features), float64
            In the units of ``y``. Their sum for a window is the difference between its prediction and that for the
            baseline. Missing steps have zero, and they are missing in the baseline, too.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no such output, or if `X` is not what `predict` takes.

        Warns
        -----
        UserWarning
            If some relevances are not within `tol` with 4096 points either.

        See Also
        --------
        sklearn.inspection.permutation_importance : How much a score depends on a column.

        Notes
        -----
        The relevances are approximate for the networks, and exact for the linear model and the level of a window. With
        ``normalize="window"``, the path changes both the deviations from the mean of a window and the mean itself. The
        relevance of a step includes its deviations and its share of the mean.

        References
        ----------
        .. [1] Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks, ICML.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import LSTMForecaster
        >>> X = np.random.default_rng(0).standard_normal((200, 5, 2))
        >>> model = LSTMForecaster(units=4, epochs=5, random_state=0).fit(X, X[:, -1, 0])
        >>> relevance = model.input_relevance(X)
        >>> np.unravel_index(np.abs(relevance).mean(axis=0).argmax(), (5, 2))
        (np.int64(4), np.int64(0))
        """
        check_is_fitted(self)
        position = self._output_position(output)
        return self._input_relevance(self._check_windows_to_inspect(X), position, tol)

    def to_keras(self):
        """Return the fitted networks and the linear model as one compiled Keras model.

        Returns
        -------
        model : keras.Model
            A model from windows of shape (n_samples, n_steps, n_features), missing steps as NaN, to outputs of shape
            (n_samples, n_outputs) in the units of ``y``. With `loss="quantile"`, it returns all quantiles, of shape
            (n_samples, n_outputs, n_quantiles), and is compiled without a loss, since Keras has none for them. It
            computes in float32 throughout, while `predict` standardises in float64. It shares nothing with this
            estimator.
        """
        check_is_fitted(self)
        return self._to_keras()

    def _output_position(self, output) -> int:
        """Return the position of a column of the target that is given by position or name."""
        names = self._target_names or []
        if isinstance(output, str) and output in names:
            return names.index(output)
        if not isinstance(output, int | np.integer) or not 0 <= output < self.n_outputs_:
            by_name = f", or one of the names {names}" if names else ""
            raise ValueError(f"output must be an int from 0 to {self.n_outputs_ - 1}{by_name}. Got {output!r} instead.")
        return int(output)

    def _network_settings(self):
        settings = {"n_networks": int(self.n_networks), "bidirectional": bool(self.bidirectional)}
        return settings | ({"quantiles": check_quantiles(self, self.quantiles)} if self.loss == "quantile" else {})

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
        has_steps = has_any_step(sample.windows)
        if has_steps.any():  # or else the error tells what is missing
            known &= has_steps
        if known.all():
            return sample
        sample_weight = check_weights(sample.windows, weights_of_known(sample.sample_weight, known))
        y = np.where(known[:, np.newaxis], sample.y, 0.0)
        return sample._replace(y=y, sample_weight=sample_weight, rows=rows_with_weight(sample_weight))

    def _splits(self, sample, *, validates):
        if not validates:
            return [Split(sample.rows)] * self.n_networks
        times = steps_of(sample.windows, sample.rows)
        return blocks(sample.rows, times, self.validation_fraction, self._gap(sample), self.n_networks)

    def _gap(self, sample: Sample) -> int:
        """Return how many rows to leave out on each side of those to validate on."""
        if self.validation_gap != "auto":
            return self.validation_gap
        gap = sample.y.shape[1] - 1  # no training row's future may reach into those of the others
        if isinstance(sample.windows, Windows):
            return gap
        first = sample.rows[-ceil(self.validation_fraction * len(sample.rows))]
        return gap if are_sliding(sample.windows[max(first - gap, 0) : first + 1]) else 0

    def _fit_scale(self, sample, rows):
        super()._fit_scale(sample, rows)
        self.deviation_scale_ = None
        if self.normalize == "window":
            scale = self._feature_scale()
            self.deviation_scale_ = deviation_scale(sample.windows, sample.sample_weight, rows, scale)

    def _fit_head(self, sample, rows, *, validates):
        self.linear_coef_ = np.zeros((*sample.windows.shape[1:], self.n_outputs_))
        self.linear_intercept_ = np.zeros(self.n_outputs_)
        self.linear_weight_, self.network_weight_ = 0.0, 1.0
        self._on_residuals, self._penalty = False, None
        self.quantiles_, self.linear_quantile_offsets_ = None, None
        if self._meaning() != NUMBERS:
            self.quantiles_ = self._meaning().quantiles
            self.linear_quantile_offsets_ = np.zeros((self.n_outputs_, len(self.quantiles_)))
        if self.linear_skip:  # trained on all rows: the validation sets are for the networks only
            linear = fit_linear(sample, self._feature_scale(), self._seed)
            self.linear_coef_, self.linear_intercept_, self._penalty = linear.coef, linear.intercept, linear.penalty
            self._on_residuals = not validates
            self.linear_weight_ = float(self._on_residuals)
        self._fit_level(sample, rows)

    def _fit_level(self, sample: Sample, rows: np.ndarray) -> None:
        """Learn what is added to the networks' outputs, and what they are multiplied with."""
        self.level_coef_ = np.zeros((sample.windows.shape[2], self.n_outputs_))
        self.target_mean_, self.target_scale_ = np.zeros(self.n_outputs_), np.ones(self.n_outputs_)
        if self.normalize == "window" and not self._on_residuals:
            level = fit_level(sample._replace(rows=rows), self._feature_scale(), self._seed)
            self.level_coef_, self.target_mean_ = level.coef, level.intercept
        if self.normalize:
            scale = target_scale(sample.y - self._level().predict(sample.windows), sample.sample_weight, rows)
            self.target_scale_ = scale.std
            if not self._on_residuals:
                self.target_mean_ = self.target_mean_ + scale.mean

    def _feature_scale(self) -> Scale:
        return Scale(self.feature_mean_, self.feature_scale_)

    def _scales(self):
        deviation = None if self.deviation_scale_ is None else self.deviation_scale_ / self.feature_scale_
        return {WINDOWS: self._feature_scale()._replace(deviation=deviation)}

    def _level(self) -> LevelModel:
        return LevelModel(self.level_coef_, self.target_mean_, self._feature_scale())

    def _meaning(self) -> Meaning:
        """Return what the outputs of the fitted networks mean."""
        levels = self._network.get("quantiles")
        return NUMBERS if levels is None else Meaning("quantiles", tuple(levels))

    def _head(self):
        settings = {
            "zero_output": self._on_residuals,
            "linear": LinearModel(self.linear_coef_, self.linear_intercept_, self._feature_scale()),
            "linear_weight": self.linear_weight_,
            "network_weight": self.network_weight_,
            "on_residuals": self._on_residuals,
            "level": self._level(),
            "std": self.target_scale_,
        }
        meaning = self._meaning()
        if meaning == NUMBERS:
            return RegressionHead(n_outputs=self.n_outputs_, loss=self.loss, **settings)
        return QuantileHead(
            n_outputs=self.n_outputs_ * len(meaning.quantiles),
            meaning=meaning,
            linear_offsets=self.linear_quantile_offsets_,
            **settings,
        )

    def _n_epochs(self, runs, epochs):
        if epochs != "auto":
            return epochs
        n_batches = ceil(max(len(run.training.rows) for run in runs) / self.batch_size)
        return min(max(ceil(AUTO_STEPS / n_batches), MIN_EPOCHS), MAX_EPOCHS)

    def _train(self, runs, missing, **training):
        weighs_models = runs[0].validation is not None and self._penalty is not None and not self._on_residuals
        if weighs_models:
            self.linear_weight_, self.network_weight_ = 0.0, 1.0  # for callbacks, which see a network alone
        super()._train(runs, missing, **training)
        if weighs_models:
            runs = runs[: self._n_networks]
            self._weigh_models([(run.training, run.validation) for run in runs if run.validation is not None])

    def _weigh_models(self, splits: list[tuple[Sample, Sample]]) -> None:
        """Find the weight of the networks, by the rows that they and a linear model have not seen.

        It is the best one on the last block or on all blocks, whichever is less. The last rows are the nearest to what
        will be forecast, but few. In other blocks the networks know what comes afterwards. The quantiles of the linear
        model's residuals are those on all blocks.
        """
        by_rows: dict[int, tuple] = {}  # several networks may have the same rows to validate on
        for split, weights in zip(splits, self._network_weights(), strict=True):
            by_rows.setdefault(id(split[1].rows), (*split, []))[2].append(weights)
        found = [self._predict_block(*block) for block in by_rows.values()]
        on_all = [np.concatenate(arrays) for arrays in zip(*found, strict=True)]
        if self._meaning() != NUMBERS:
            y, linear, _, sample_weight = on_all
            offsets = weighted_quantiles(y - linear, sample_weight, self._meaning().quantiles)
            self.linear_quantile_offsets_ = offsets * self.target_scale_[:, np.newaxis]
        head = self._head()
        best_on_all = head.best_network_weight(*on_all)
        self.network_weight_ = min(best_on_all, head.best_network_weight(*found[-1]))
        self.linear_weight_ = 1 - self.network_weight_

    def _predict_block(self, training: Sample, validation: Sample, networks: list[list[np.ndarray]]) -> tuple:
        """Return targets, predictions of a linear model and of networks, all of them encoded, and weights of rows.

        The linear model is fitted on the training rows alone, with the penalty of that on all rows.
        """
        from .. import _engine

        rows = validation.rows
        windows, inside = part(validation.windows, rows)  # a view, also of rows between them that do not count
        level = self._level()
        targets = level.predict(training.windows) + training.y * self.target_scale_
        scale = self._feature_scale()
        linear = fit_linear(training._replace(y=targets), scale, self._seed, np.array([self._penalty]))
        of_linear = (linear.predict(windows) - level.predict(windows)) / self.target_scale_
        of_networks = _engine.predict(
            self._network_spec(), networks, {WINDOWS: windows}, self._scales(), meaning=self._meaning()
        )
        return validation.y[rows], of_linear[inside], of_networks[inside], validation.sample_weight[rows]
