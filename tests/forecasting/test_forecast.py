import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from sklstm import SlidingWindow, forecast, to_supervised


@pytest.mark.parametrize("groups", [None, "id"])
def test_a_skipped_last_row_warns_with_its_columns(tiny, groups):
    table = pd.DataFrame({"value": np.sin(np.arange(40) / 4), "other": 1.0, "id": np.repeat(["a", "b"], 20)})
    table = table.drop(columns="id") if groups is None else table
    X, y = to_supervised(table, 2, target="value", groups=groups)
    model = make_pipeline(SlidingWindow(5, groups=groups), tiny()).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast(model, table, 2)
    table.loc[39, "other"] = np.nan
    with pytest.warns(UserWarning, match=r"The last row.* has missing values in the column\(s\) \['other'\].*ffill"):
        forecast(model, table, 2)
    with pytest.warns(UserWarning, match="last row"):
        forecast(model, table.assign(value=table["value"].where(table.index < 39), other=1.0), 2)
