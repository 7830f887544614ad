"""Tables: arrays and DataFrames with a row for each time and a column for each variable."""

import sys
from typing import Any

import numpy as np
from sklearn.utils import check_array

from .._validation import check_columns, check_no_dates
from .arrays import as_slice
from .time_index import check_order, time_index


def is_pandas(series) -> bool:
    """Tell whether a series is a pandas object."""
    return hasattr(series, "iloc")


def is_polars(series) -> bool:
    """Tell whether a series is a DataFrame or Series of polars."""
    polars = sys.modules.get("polars")  # whoever has one has imported it already
    return polars is not None and isinstance(series, polars.DataFrame | polars.Series)


def as_pandas(series, name: str) -> Any:
    """Return an object of polars as a DataFrame of pandas with the same columns; anything else as it is.

    Its index numbers the rows, but tells no time: `time_index` reads no categories.

    Raises
    ------
    ImportError
        If pandas is not installed.
    TypeError
        If a column holds dates or durations.
    """
    if not is_polars(series):
        return series
    table = _polars_table(series)
    check_no_dates(table, name)
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{name} is a {type(series).__name__} of polars, whose columns are read by name with pandas: install "
            f"pandas, or pass {name}.to_numpy() and positions of columns."
        ) from error
    index = pd.CategoricalIndex(pd.Categorical.from_codes(np.arange(len(table)), pd.RangeIndex(len(table))))
    arrays = [_to_numpy(column) for column in table.get_columns()]
    columns = [pd.Series(array, index, dtype=array.dtype) for array in arrays]
    return pd.DataFrame(dict(zip(table.columns, columns, strict=True)), index)


def _to_numpy(column) -> np.ndarray:
    """Return a column of polars as an array: booleans of which some are missing as floats, as integers are."""
    import polars as pl

    return (column.cast(float) if column.dtype == pl.Boolean and column.null_count() else column).to_numpy()


def as_given(result, series) -> Any:
    """Return a pandas object as one of polars if the series is one; its index has no place there."""
    if not is_polars(series) or not is_pandas(result):
        return result
    import polars as pl

    if result.ndim == 1:
        return pl.Series(result.name, result.to_numpy())
    table = pl.DataFrame({name: column.to_numpy() for name, column in result.items()})
    kinds = _polars_table(series).schema.items()
    return table.cast(
        {name: kind for name, kind in kinds if name in table.columns and kind in (pl.Categorical, pl.Enum)}
    )


def _polars_table(series) -> Any:
    return series if hasattr(series, "columns") else series.to_frame()


def as_table(series, name: str, *, is_panel: bool = False) -> Any:
    """Return a series as an array or DataFrame with a column for each variable.

    Raises
    ------
    ValueError
        If it has no row, more than two dimensions, or columns of the same name, or if the index of a pandas object
        does not have the rows of one series in the order of time.
    """
    check_columns(series, name)
    if not is_panel:
        check_order(series, name)
    series = as_pandas(series, name)
    if is_pandas(series):
        table = series.to_frame() if series.ndim == 1 else series
        if len(table) == 0:
            raise ValueError(f"Found a DataFrame with 0 sample(s), while a minimum of 1 is required by {name}.")
        times = None if is_panel else time_index(table)
        return table if times is None or times is table.index else table.set_axis(times)
    check_no_dates(series, name)
    table = check_array(series, dtype=None, ensure_2d=False, allow_nd=True, ensure_all_finite="allow-nan")
    if table.ndim > 2:
        raise ValueError(f"Found array with dim {table.ndim}, while dim <= 2 is required by {name}.")
    return table.reshape(len(table), -1)


def target_columns(names: list, target) -> list[int]:
    """Return the places of the target columns among the names of all columns, which are positions in an array."""
    if target is None:
        return list(range(len(names)))
    is_name = np.ndim(target) == 0 or (isinstance(target, tuple) and target in names)
    targets = [target] if is_name else list(target)
    if not targets or any(names.count(name) != 1 for name in targets) or len(set(targets)) < len(targets):
        hint = " Names are read from DataFrames of pandas and polars only: of other ones, pass positions."
        hint = hint if all(isinstance(name, int) for name in names) else ""
        raise ValueError(f"target must name some of the columns {names}, each once. Got {target!r} instead.{hint}")
    return [names.index(name) for name in targets]


def other_columns(table, columns: list[int]) -> list[int]:
    """Return the positions of the columns that are not among the given ones."""
    return [column for column in range(table.shape[1]) if column not in columns]


def take(table, start: int | None = None, stop: int | None = None, columns=slice(None)) -> Any:
    """Return some rows and columns by position."""
    return (table.iloc if is_pandas(table) else table)[start:stop, columns]


def append(table, columns: list[int], values: np.ndarray, others) -> Any:
    """Return the table with more rows at its end: `values` in some columns, and `others` in the other ones."""
    if isinstance(table, np.ndarray):
        rows = np.empty((len(values), table.shape[1]), dtype=np.result_type(table, values))
        rows[:, columns] = values
        rows[:, other_columns(table, columns)] = others
        return np.concatenate([table, rows])

    import pandas as pd

    rows = pd.concat([frame(values, others.index, table.columns[columns]), others], axis=1)
    return pd.concat([table, rows[table.columns]])


def take_rows(table, rows: np.ndarray) -> Any:
    """Return some rows by position, a view where they are adjacent."""
    some = as_slice(rows)
    return table.iloc[some] if is_pandas(table) else table[some]


def without_column(table, column: int | None) -> Any:
    """Return the table without a column by position, if any."""
    return table if column is None else take(table, columns=other_columns(table, [column]))


def with_columns(table, columns: list[int], values) -> Any:
    """Return the table with other values in some columns."""
    if is_pandas(table):
        changed = table.copy()
        changed[table.columns[columns]] = values
        return changed
    changed = table.astype(np.result_type(table, values))
    changed[:, columns] = values
    return changed


def is_missing(table) -> bool:
    """Tell whether any value of a table is missing."""
    if is_pandas(table):
        return bool(table.isna().any(axis=None))
    return bool((table != table).any())  # NaN alone differs from itself, also among objects


def side_by_side(tables: list) -> Any:
    """Return one table of the columns of several arrays, or of several DataFrames with one index."""
    if isinstance(tables[0], np.ndarray):
        return np.concatenate(tables, axis=1)

    import pandas as pd

    return pd.concat(tables, axis=1)


def stacked(table, rows) -> Any:
    """Return the table with more rows at its end."""
    if isinstance(table, np.ndarray):
        return np.concatenate([table, rows])

    import pandas as pd

    return pd.concat([table, rows])


def frame(values, index, columns) -> Any:
    """Return a DataFrame; pandas is imported only here, by whoever has a pandas object."""
    import pandas as pd

    return pd.DataFrame(values, index, columns)
