"""The airline passengers of Box & Jenkins."""

from importlib.resources import files

import numpy as np
from sklearn.utils import Bunch


def load_airline(*, as_frame=False):
    """Load the monthly totals of international airline passengers, 1949 to 1960.

    Series G of [1]_: 144 months, with a trend and a season that grows with it.

    Parameters
    ----------
    as_frame : bool, default=False
        Whether `data` is a DataFrame with an index of months. Needs pandas.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (144, 1), float64
            The passengers, in thousands.
        feature_names : list of str
            The name of the column, ``"passengers"``.
        DESCR : str
            A description.

    See Also
    --------
    make_sine : Make a sine wave.

    References
    ----------
    .. [1] G. E. P. Box and G. M. Jenkins, "Time Series Analysis: Forecasting and Control", Holden-Day, 1976.

    Examples
    --------
    >>> from sklstm.datasets import load_airline
    >>> load_airline().data[:3, 0]
    array([112., 118., 132.])
    """
    source = files(__package__) / "airline.csv"
    with source.open(encoding="utf-8") as file:
        months, passengers = np.loadtxt(file, delimiter=",", skiprows=1, dtype=str, unpack=True)
    data = passengers.astype(np.float64).reshape(-1, 1)
    feature_names = ["passengers"]
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, index=pd.PeriodIndex(months, freq="M", name="month"), columns=feature_names)
    return Bunch(data=data, feature_names=feature_names, DESCR=load_airline.__doc__)
