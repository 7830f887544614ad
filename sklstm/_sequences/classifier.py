"""The classifier: a class for each sequence."""

from math import ceil
from numbers import Integral

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._base.base import BaseLSTM
from .._base.heads import ClassificationHead
from .._base.splitting import Split, drawn_rows
from .._compat import Interval, StrOptions, check_partial_fit_first_call, fit_context
from .._specs import IGNORED_CLASS, WINDOWS, Sample
from .._state import all_at_once, of_one_fit
from .._validation import check_weights, weights_of_classes, weights_of_known
from .._windows.arrays import present_steps, rows_with_weight
from .step_labels import (
    check_step_labels,
    warn_of_labels_without_token,
    weight_of_steps,
    weights_of_step_classes,
    with_weighty_labels,
)

AUTO_STEPS, MIN_EPOCHS, MAX_EPOCHS = 600, 10, 300  # of epochs="auto": steps of the optimizer, and the limits
AUTO_STEPS_TOKENS, MIN_EPOCHS_TOKENS = 200, 3  # the same for tokens, of which a network soon knows the rows by heart
MIN_BATCH_SIZE, MAX_BATCH_SIZE = 8, 32  # of batch_size="auto", the limits of a tenth of the rows


class LSTMClassifier(ClassifierMixin, BaseLSTM):
    """Classify sequences with a long short-term memory (LSTM) network.

    By default, a bidirectional LSTM layer reads the features that a convolutional network extracts from a sequence. A
    linear layer with softmax maps one vector for the whole sequence to the probabilities of the classes. With
    ``pooling="none"``, each step has a class. Steps with missing values (NaN) are masked at any position, so sequences
    may differ in length.

    Parameters
    ----------
    units : int or sequence of int, default=32
        Number of units of the LSTM layer; a sequence stacks layers.

    network : {"auto", "lstm", "gru", "conv_lstm", "lstm_fcn", "frames"} or callable, default="auto"
        The layers between the windows and the output layer.

        - "auto": "lstm" with `embedding_dim` or a `pooling` other than "last", or else "conv_lstm".
        - "lstm": LSTM layers.
        - "gru": gated recurrent units instead (Cho et al., 2014).
        - "conv_lstm": LSTM layers after a convolutional network, whose first layer is followed by pooling. Their
          hidden states at the last step, the mean of all, and the mean of the convolutions are passed to the output
          layer.
        - "lstm_fcn": LSTM layers beside a fully convolutional network (Karim et al., 2018). They read one feature after
          the other, each with all its steps.
        - "frames": a convolutional network on each frame of a video, then the LSTM layers (Donahue et al., 2015). `X`
          has frames. Of `X` without frames, the features of a step are a row of pixels, as in a spectrum.
        - A callable: a function that is called with two symbolic tensors of Keras. The first one, of shape (n_samples,
          n_steps, n_features) or (n_samples, n_steps, height, width, n_channels), has standardised features, frames or
          embedded tokens, and zeros at missing steps. The second one, of shape (n_samples, n_steps), is a mask that is
          True at steps that are present. The function returns a tensor of shape (n_samples, n_numbers), or with
          ``pooling="none"`` (n_samples, n_steps, n_numbers), made by Keras layers that it makes itself. `units`,
          `bidirectional`, `dropout`, `recurrent_dropout`, and as `return_sequences` whether `pooling` is "none", are
          passed to parameters of these names. To be pickled, it must be defined at the top level of a module.

    network_params : dict, default=None
        Other parameters of the callable: numbers, strings, booleans and lists of them. Of "conv_lstm" they are
        ``filters=(64, 64, 64)``, ``kernel_sizes=(32, 10, 6)`` and ``pool_size=4``, for fewer than 64 steps
        ``kernel_sizes=(8, 5, 3)`` and ``pool_size=1``. Of "lstm_fcn" they are ``filters=(128, 256, 128)`` and
        ``kernel_sizes=(8, 5, 3)``, of "frames" ``filters=(16, 32)``, ``kernel_size=3`` and ``pool_size=2``.

    n_networks : int, default=1
        Number of networks, whose probabilities are averaged. They have different initial weights and orders of rows
        and, with `early_stopping=True`, different validation sets [1]_.

    embedding_dim : int or None, default=None
        Size of the token embeddings, which are learned. `X` then holds the numbers of tokens, one a
        step, as `TokenSequences` makes them; larger ones than in `fit` count as 0. If None, `X` holds features.

    pooling : {"last", "mean", "max", "none"}, default="last"
        What of the last layer's hidden states is classified: the one after the last step, their mean over the steps,
        or their maxima. With "none", each of them is: `y` then has a class for each step. "mean" and "max" are for
        `network` "lstm" and "gru"; "none" is not for "conv_lstm" and "lstm_fcn".

    bidirectional : bool, default=True
        Whether each layer reads the steps in both directions, with `units` units each.

    dropout : float, default=0.3
        Fraction of each layer's inputs that are dropped in training, in the range [0, 1).

    recurrent_dropout : float, default=0.0
        Fraction of the recurrent state that is dropped in training, in the range [0, 1).

    optimizer : str, default="adam"
        Name of a Keras optimizer: "adadelta", "adagrad", "adam", "adamax", "adamw", "ftrl", "lion", "nadam",
        "rmsprop" or "sgd".

    learning_rate : float, default=0.003
        Learning rate of the optimizer, in the first epoch.

    learning_rate_schedule : {"constant", "cosine"}, default="cosine"
        Whether the learning rate is constant, or decays along a cosine to nearly zero over the `epochs` of a fit.

    global_clipnorm : float or None, default=1.0
        Maximum norm of the gradient of all weights together: gradient clipping. If None, gradients are not
        clipped.

    epochs : int or "auto", default="auto"
        Number of passes over the training data; the maximum number with `early_stopping=True`. "auto" stands for as
        many as take 600 steps of the optimizer, but at least 10 and at most 300; with `embedding_dim` 200 steps, but
        at least 3 epochs.

    batch_size : int or "auto", default="auto"
        Number of rows, each a sequence, in a step of the optimizer. "auto" stands for a tenth of the rows, but at least
        8 and at most 32.

    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, which rows are weighted with besides `sample_weight`: one for each class, or inversely
        proportional to how often it occurs in ``y``. The validation set has the same class weights.

    early_stopping : bool, default=False
        Whether to draw a validation set, stop when the validation loss no longer falls, and restore the weights with
        the lowest one.

    validation_fraction : float, default=0.2
        Fraction of the rows in the validation set, drawn at random and stratified by class; only with
        `early_stopping=True`.

    n_iter_no_change : int, default=10
        Number of epochs without improvement by `tol` to stop after; only with `early_stopping=True`.

    tol : float, default=1e-4
        Fall of the loss that counts as an improvement; only with `early_stopping=True`.

    normalize : bool, default=True
        Whether to standardise each feature, by the statistics of the training rows weighted by `sample_weight`;
        only with `embedding_dim=None`.

    warm_start : bool, default=False
        Whether `fit` goes on from the fitted network, its statistics and its optimizer's state, for another
        `epochs` epochs. The classes stay.

    callbacks : Keras callback, callable, or list of them, default=None
        Callbacks to call in training, each a Keras callback, of which every fit uses a copy, or a callable
        without arguments that makes one, such as a class. A class of your own, or Keras' ``LambdaCallback``, may change
        the model; the next fit of the same network then compiles anew. What a callback saves of its model loads in
        Keras alone, and takes and returns raw values. ``BackupAndRestore`` is refused. Each network has callbacks of
        its own, so those that write a file need `n_networks=1`.

    random_state : int, RandomState instance or None, default=None
        Determines initial weights, the validation set, the order of rows in each epoch, and dropout. Pass an int for
        the same fit in every call and process. With convolutions, such as those of "conv_lstm", fits on another number
        of cores differ, since sums are rounded otherwise.

    verbose : int, default=0
        0 is silent, 1 shows one progress bar for all epochs of all networks, with the loss and the time left, and 2
        prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.

    n_features_in_ : int
        Number of features at each step. For 2-D input, the number of columns, which equals the number of steps. For
        frames, the number of channels.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of 2-D input, if `X` has names that are all strings.

    n_steps_in_ : int
        Number of steps in a sequence.

    n_outputs_ : int
        Number of outputs of the network, which equals the number of classes.

    n_iter_ : int
        Number of epochs of the network with the longest training.

    history_ : dict of str to list of float
        The cross-entropy in nats on the training set (``"loss"``) after each epoch and, with `early_stopping=True`, on
        the validation set (``"val_loss"``), NaN after epochs without a validation set. Each is the mean over the
        networks that were trained for so many epochs.

    weights_ : list of ndarray, float32
        The networks' weights, one network after the other, each in the order of Keras, as those of `LSTMForecaster`;
        before those of each, with `embedding_dim`, the embeddings, of shape (n_tokens, embedding_dim).

    feature_mean_, feature_scale_ : ndarray of shape (n_features,)
        Mean and scale of the features, or channels of frames, for their standardisation; zeros and ones if
        `normalize=False` or with `embedding_dim`.

    See Also
    --------
    pad_sequences : Pads sequences of different lengths to one array.
    TokenSequences : Makes sequences of tokens from documents.

    References
    ----------
    .. [1] Lakshminarayanan, Pritzel & Blundell (2017), Simple and scalable predictive uncertainty estimation using deep
       ensembles, NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> slopes = np.linspace(-1, 1, 40)
    >>> X = slopes[:, np.newaxis] * np.arange(8)
    >>> y = np.where(slopes > 0, "rises", "falls")
    >>> model = LSTMClassifier(units=8, random_state=0).fit(X, y)
    >>> model.predict([np.arange(8), -np.arange(8)])
    array(['rises', 'falls'], dtype='<U5')
    """

    _parameter_constraints: dict = {
        **BaseLSTM._parameter_constraints,
        "network": [StrOptions({"auto", "lstm", "gru", "conv_lstm", "lstm_fcn", "frames"}), callable],
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "pooling": [StrOptions({"last", "mean", "max", "none"})],
        "bidirectional": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "normalize": ["boolean"],
    }

    def __init__(
        self,
        units=32,
        *,
        network="auto",
        network_params=None,
        n_networks=1,
        embedding_dim=None,
        pooling="last",
        bidirectional=True,
        dropout=0.3,
        recurrent_dropout=0.0,
        optimizer="adam",
        learning_rate=0.003,
        learning_rate_schedule="cosine",
        global_clipnorm=1.0,
        epochs="auto",
        batch_size="auto",
        class_weight=None,
        early_stopping=False,
        validation_fraction=0.2,
        n_iter_no_change=10,
        tol=1e-4,
        normalize=True,
        warm_start=False,
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.units = units
        self.network = network
        self.network_params = network_params
        self.n_networks = n_networks
        self.embedding_dim = embedding_dim
        self.pooling = pooling
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.global_clipnorm = global_clipnorm
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
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
            Sequences; 2-D input has one feature a step. A step in which any feature is NaN is missing. Where the
            network reads frames, also clips of shape (n_samples, n_steps, height, width) or (n_samples, n_steps,
            height, width, n_channels). They keep their dtype, such as uint8, and may be a memory map: rows are read as
            batches need them.

        y : array-like of shape (n_samples,), or (n_samples, n_steps) with ``pooling="none"``
            Class labels. Of labels of steps, some may be missing (NaN or None). Those at missing steps do not count.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. A row of weight zero is ignored.

        X_val, y_val, sample_weight_val : array-like like `X`, `y` and `sample_weight`, default=None
            Validation set for early stopping, instead of a part of `X`.

        Returns
        -------
        self : LSTMClassifier
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
            If labels of steps stand where tokens are missing.
            If you interrupt the training (Ctrl-C). The estimator is then fitted with the weights so far, with
            `early_stopping=True` with the best ones. In a search, a cross-validation or an Optuna study, the
            interrupt goes on.
        """
        resume = self.warm_start and hasattr(self, "weights_")
        if not resume:
            vars(self).pop("classes_", None)
        return self._fit_network(
            X,
            y,
            sample_weight,
            epochs=self.epochs,
            resume=resume,
            early_stopping=self.early_stopping,
            held_out=self._check_held_out(X_val, y_val, sample_weight_val),
        )

    @fit_context(prefer_skip_nested_validation=True)
    @all_at_once
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train the network for one more epoch, on the same data or new ones.

        There is no validation set: `early_stopping` only applies to `fit`.

        Parameters
        ----------
        X, y : array-like
            Sequences and class labels, as in `fit`.

        classes : array-like of shape (n_classes,), default=None
            All classes. Pass them in the first call, even if some do not occur in it.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights, as in `fit`.

        Returns
        -------
        self : LSTMClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            As in `fit`; if `classes` are missing in the first call or others in a later one; if
            ``class_weight="balanced"``; and if data or parameters are not those of the fitted network.

        Warns
        -----
        UserWarning
            As in `fit`.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does not see all rows. Pass a dict."
            )
        check_partial_fit_first_call(self, classes)
        return self._fit_network(X, y, sample_weight, epochs=1, resume=hasattr(self, "weights_"))

    @of_one_fit
    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, with as many dimensions, steps and features as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_steps) with ``pooling="none"``
            The most probable class of each sequence, or of each step. That of a missing step means nothing.

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
        return self.classes_[self._logits(X).argmax(axis=-1)]

    def predict_proba(self, X):
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, as in `predict`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), float64
            A column for each class, in the order of `classes_`. With ``pooling="none"`` the shape is (n_samples,
            n_steps, n_classes).
        """
        return softmax(self._logits(X), axis=-1)

    def predict_log_proba(self, X):
        """Predict the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, as in `predict`.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), float64
            Those of `predict_proba`.
        """
        return log_softmax(self._logits(X), axis=-1)

    @of_one_fit
    def decision_function(self, X):
        """Return the log-odds of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, as in `predict`.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes), float64
            The network's output for each class, in the order of `classes_`; with several networks, the logarithm of the
            probability. For two classes, the output of the second class minus the output of the first, which is
            positive if the second is predicted. With ``pooling="none"``, there is an axis of steps before the classes.
        """
        logits = self._logits(X)
        return logits[..., 1] - logits[..., 0] if len(self.classes_) == 2 else logits

    @of_one_fit
    def score(self, X, y, sample_weight=None):
        """Return the accuracy.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, as in `predict`.

        y : array-like of shape (n_samples,), or (n_samples, n_steps) with ``pooling="none"``
            True labels.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        accuracy : float
            The fraction of sequences with a correct prediction. With ``pooling="none"``, the fraction of steps, of all
            steps that are present and have a label.

        See Also
        --------
        sklstm.metrics.make_step_scorer : Other scores of labels of steps.
        """
        check_is_fitted(self)
        if not self._labels_steps():
            return super().score(X, y, sample_weight)
        y_pred = self.predict(X)
        y, known = check_step_labels(y, self._present_steps(X), purpose="score")
        weight = None if sample_weight is None else weight_of_steps(sample_weight, known)
        return accuracy_score(y[known], y_pred[known], sample_weight=weight)

    @of_one_fit
    def input_relevance(self, X, *, output, tol=1e-2):
        """Return how much each value or token of the sequences adds to the probability of a class.

        The relevances are integrated gradients [1]_: the gradient of the probability, averaged over the straight path
        from a baseline to the sequence, times their difference. The baseline has at each step the mean of each feature
        over the training rows, or zeros if ``normalize=False``. With `embedding_dim` it is a sequence of missing steps,
        and the steps of a path are present in part: the states move by a share towards those after the step.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, n_steps)
            Sequences, as in `predict`.

        output : object
            The class, one of `classes_`.

        tol : float, default=1e-2
            The gradient is averaged over 8 points of the path, and over twice as many until the relevances change by
            less than this share of the sum of their absolute values, and their own sum is right within it. The rest of
            that sum is then shared out in proportion.

        Returns
        -------
        relevance : ndarray of shape (n_samples, n_steps, n_features), float64
            Their sum for a sequence is the difference between its probability and that of the baseline. Missing
            steps have zero, and they are missing in the baseline, too. Of frames, the shape is (n_samples, n_steps,
            height, width, n_channels).

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there is no such class, or if `X` is not what `predict` takes.

        Warns
        -----
        UserWarning
            If some relevances are not within `tol` with 4096 points either.

        See Also
        --------
        sklearn.inspection.permutation_importance : How much a score depends on a column.

        References
        ----------
        .. [1] Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks, ICML.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import LSTMClassifier
        >>> X = np.random.default_rng(0).standard_normal((200, 5, 2))
        >>> model = LSTMClassifier(units=4, epochs=20, random_state=0).fit(X, np.where(X[:, -1, 0] > 0, "up", "down"))
        >>> relevance = model.input_relevance(X, output="up")
        >>> np.unravel_index(np.abs(relevance).mean(axis=0).argmax(), (5, 2))
        (np.int64(4), np.int64(0))
        """
        check_is_fitted(self)
        if self._labels_steps():
            raise ValueError("input_relevance is for the class of a sequence, and not for pooling='none'.")
        classes = self.classes_.tolist()
        if output not in classes:
            raise ValueError(f"output must be one of the classes {classes}. Got {output!r} instead.")
        return self._input_relevance(self._check_windows_to_inspect(X), classes.index(output), tol)

    def to_keras(self):
        """Return the fitted network as a compiled Keras model.

        Returns
        -------
        model : keras.Model
            A model from sequences of shape (n_samples, n_steps, n_features), or frames with their channels, missing
            steps as NaN, to the probabilities of classes, of shape (n_samples, n_classes). It computes in float32
            throughout, and shares nothing with this estimator.
        """
        check_is_fitted(self)
        return self._to_keras()

    @of_one_fit
    def _logits(self, X) -> np.ndarray:
        check_is_fitted(self)
        return self._predict_network(self._check_inputs(X, reset=False))

    def _batch_size(self, runs):
        if self.batch_size != "auto":
            return self.batch_size
        return min(max(len(runs[0].training.rows) // 10, MIN_BATCH_SIZE), MAX_BATCH_SIZE)

    def _n_epochs(self, runs, epochs):
        if epochs != "auto":
            return epochs
        n_steps, least = (AUTO_STEPS_TOKENS, MIN_EPOCHS_TOKENS) if self.embedding_dim else (AUTO_STEPS, MIN_EPOCHS)
        n_batches = ceil(len(runs[0].training.rows) / self._batch_size(runs))
        return min(max(ceil(n_steps / n_batches), least), MAX_EPOCHS)

    def _network_or_default(self):
        if self.network != "auto":
            return self.network
        return "lstm" if self.embedding_dim or self.pooling != "last" else "conv_lstm"

    def _network_settings(self):
        return {
            "n_networks": int(self.n_networks),
            "bidirectional": bool(self.bidirectional),
            "pooling": self.pooling,
            "embedding_dim": self.embedding_dim or 0,
        }

    def _head(self):
        return ClassificationHead(n_outputs=self.n_outputs_)

    def _weigh_rows(self, sample, held_out):
        if self.class_weight is None:
            return sample, held_out
        if self._labels_steps():
            return self._weigh_steps(sample, held_out)
        weights = weights_of_classes(sample.sample_weight, self.class_weight, self.classes_, sample.y[:, 0])

        def weigh(sample: Sample) -> Sample:
            sample_weight = check_weights(sample.windows, sample.sample_weight * weights[sample.y[:, 0]])
            return sample._replace(sample_weight=sample_weight, rows=rows_with_weight(sample_weight))

        return weigh(sample), None if held_out is None else weigh(held_out)

    def _weigh_steps(self, sample, held_out):
        weights = weights_of_step_classes(sample, self.class_weight, self.classes_)
        sample = with_weighty_labels(sample, weights)
        weights = weights_of_step_classes(sample, self.class_weight, self.classes_)  # of mean one over these rows
        if held_out is not None:
            held_out = with_weighty_labels(held_out, weights)._replace(class_weight=weights)
        return sample._replace(class_weight=weights), held_out

    def _reads_frames(self) -> bool:
        network = self._network.get("custom")
        return network is not None and network["build"] not in ("conv_lstm", "lstm_fcn")

    def _present_steps(self, X) -> np.ndarray:
        """Tell which steps the network reads of what `predict` takes."""
        return present_steps(self._check_inputs(X, reset=False)[WINDOWS])

    def _labels_steps(self) -> bool:
        return self._network["pooling"] == "none"

    def _check_sample(self, X, y, sample_weight, *, reset):
        sample = super()._check_sample(X, y, sample_weight, reset=reset)
        known = (sample.y != IGNORED_CLASS).reshape(len(sample.y), -1).any(axis=1)
        if known.all():
            return sample
        sample_weight = check_weights(sample.windows, weights_of_known(sample.sample_weight, known))
        return sample._replace(sample_weight=sample_weight, rows=rows_with_weight(sample_weight))

    def _check_target(self, X, y, *, reset):
        if self._labels_steps():
            present = present_steps(X)
            labels, known = check_step_labels(y, present)
            if self._reads_tokens():
                warn_of_labels_without_token(y, present)
            y = labels
        else:
            y = _row_labels(y)
            check_classification_targets(y)
            check_consistent_length(X, y)
            known = np.ones(y.shape, dtype=bool)
        if not hasattr(self, "classes_"):
            self.classes_ = LabelEncoder().fit(y[known]).classes_
        if reset:
            self.n_outputs_ = len(self.classes_)
        encoded = np.full(y.shape, IGNORED_CLASS)
        encoded[known] = LabelEncoder().fit(self.classes_).transform(y[known])
        return encoded[..., np.newaxis]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.two_d_labels = tags.target_tags.multi_output = self.pooling == "none"
        tags.target_tags.one_d_labels = tags.target_tags.single_output = self.pooling != "none"
        if self.pooling == "none":  # or else scikit-learn would look for classes of rows, to draw folds by
            tags.estimator_type = tags.classifier_tags = None
        return tags

    def _splits(self, sample, *, validates):
        if not validates:
            return [Split(sample.rows)] * self.n_networks
        classes = None if self._labels_steps() else sample.y
        seeds = range(self._seed, self._seed + self.n_networks)
        return [drawn_rows(sample.rows, classes, self.validation_fraction, seed) for seed in seeds]


def _row_labels(y) -> np.ndarray:
    """Return a class for each row."""
    try:
        return column_or_1d(y, warn=True)
    except ValueError as error:
        if "1d array" in str(error):
            raise ValueError(f"{error} For a class at each step, pass pooling='none'.") from error
        raise
