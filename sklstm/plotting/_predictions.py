"""What a display shows of forecasts and backtests: times, values and intervals of each series and target."""

import re
import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._windows.long_table import LongTable, read_long_table
from .._windows.tables import is_pandas
from .._windows.time_index import as_times, check_comparable, time_index
from ._panels import positions

RESULT = ("origin", "step", "truth", "prediction")
MAX_ORIGINS = 6  # shown by default of long forecasts
MIN_STEPS = 48  # shown by default of short ones, if there are as many
MAX_PANELS = 12
MAX_NAMES = 20  # in the message of an error


class Backtest(NamedTuple):
    """The columns of the result of a backtest."""

    origin: Any  # an index of pandas, or an array of positions
    step: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    ends: dict[float, tuple[np.ndarray, np.ndarray]]  # of intervals, by their coverage
    target: np.ndarray | None
    series: np.ndarray | None
    groups: Any  # what the ids of the series are called

    def of(self, rows: np.ndarray) -> "Backtest":
        """Return some rows."""
        return self._replace(
            origin=self.origin[rows],
            step=self.step[rows],
            truth=self.truth[rows],
            prediction=self.prediction[rows],
            ends={level: (lower[rows], upper[rows]) for level, (lower, upper) in self.ends.items()},
            target=None if self.target is None else self.target[rows],
            series=None if self.series is None else self.series[rows],
        )

    def select(self, name: str, chosen) -> dict[Any, "Backtest"]:
        """Return the rows of each series or target that is chosen, of all if `chosen` is None, by its id."""
        ids = getattr(self, name)
        if ids is None:
            return {None: self}
        present = list(dict.fromkeys(ids.tolist()))
        return {id_: self.of(ids == id_) for id_ in choose(present, chosen, name)}


class Rows(NamedTuple):
    """The rows of a series, from which origins are found and steps counted."""

    labels: Any  # an index of pandas, or an increasing array of numbers
    are_times: bool = True  # otherwise the rows are numbered on the axis

    def find(self, origins) -> np.ndarray:
        """Return the position of each origin; -1 if there is no such row."""
        if not hasattr(self.labels, "get_indexer"):
            _check_same_kind(self.labels, origins, "history")
            origins = np.asarray(origins)
            return np.where((origins >= self.labels[0]) & (origins <= self.labels[-1]), origins - self.labels[0], -1)
        if np.asarray(origins).dtype.kind in "iu" and self.labels.inferred_type != "integer":
            return np.asarray(origins)  # of a backtest of an array, beside a table with times
        return self.labels.get_indexer(origins)

    def places(self, origins) -> np.ndarray:
        """Return the position of each origin, of which all must be there."""
        places = self.find(origins)
        if (places < 0).any():
            missing = origins[int(np.argmax(places < 0))]
            raise ValueError(f"history has no row for the origin {missing}. Pass the series of the backtest.")
        return places

    def at(self, places: np.ndarray) -> Any:
        """Return the times of rows, or their numbers."""
        if places.max() >= len(self.labels):
            raise ValueError("history ends before the steps of the backtest do. Pass the series of the backtest.")
        return self.labels[places] if self.are_times else places


def is_backtest(result) -> bool:
    """Tell whether something is the result of a backtest."""
    names = result.columns if is_pandas(result) and result.ndim == 2 else result if isinstance(result, dict) else ()
    return set(RESULT) <= set(names)


def read_backtest(result, coverage) -> Backtest:
    """Return the columns of the result of a backtest, with the intervals of some coverages, or of all if None."""
    if not is_backtest(result):
        raise ValueError(
            f"result must be what backtest returns, with {', '.join(RESULT)}. Got a {type(result).__name__} without."
        )
    names = list(result.columns if is_pandas(result) else result)
    ends = choose_coverage(coverage_levels(names), coverage)

    def numbers(name) -> np.ndarray:
        values = result[name]
        return values.to_numpy(float, na_value=np.nan) if is_pandas(values) else np.asarray(values, float)

    groups = "series" if not is_pandas(result) and "series" in names else None
    if is_pandas(result):
        import pandas as pd

        origin = pd.Index(result["origin"])
        origin = origin if (times := as_times(origin)) is None else times
        groups = names[0] if names[0] != "origin" else None
    else:
        origin = np.asarray(result["origin"])
    return Backtest(
        origin,
        np.asarray(result["step"], dtype=int),
        numbers("truth"),
        numbers("prediction"),
        {level: (numbers(lower), numbers(upper)) for level, (lower, upper) in ends.items()},
        np.asarray(result["target"], dtype=object) if "target" in names else None,
        None if groups is None else np.asarray(result[groups], dtype=object),
        groups,
    )


def coverage_levels(names: Iterable, prefix: str = "") -> dict[float, tuple]:
    """Return the columns of lower and upper ends by the coverage that they tell, smallest first."""
    columns = {str(name): name for name in names}
    found = {}
    for name, column in columns.items():
        match = re.fullmatch(re.escape(prefix) + r"lower_(\d+(?:\.\d+)?)", name)
        if match and f"{prefix}upper_{match[1]}" in columns:
            found[round(float(match[1]) / 100, 12)] = (column, columns[f"{prefix}upper_{match[1]}"])
    return dict(sorted(found.items()))


def choose_coverage(found: dict[float, Any], coverage) -> dict[float, Any]:
    """Return the intervals of some coverages, of all if None."""
    if coverage is None:
        return found
    chosen = {}
    for level in np.ravel(coverage).tolist():
        near = [other for other in found if np.isclose(other, level)]
        if not near:
            raise ValueError(f"There are no intervals of coverage={level!r}, but of {list(found)}.")
        chosen[near[0]] = found[near[0]]
    return dict(sorted(chosen.items()))


def listed(names) -> list:
    """Return one or several names as a list."""
    return [names] if np.ndim(names) == 0 or isinstance(names, str) else list(names)


def choose(present: list, chosen, name: str) -> list:
    """Return the chosen ones of some ids or names; all if None."""
    if chosen is None:
        return present
    wanted = listed(chosen)
    unknown = [one for one in wanted if one not in present]
    if unknown or not wanted:
        known = ", ".join(map(repr, present[:MAX_NAMES])) + (", ..." if len(present) > MAX_NAMES else "")
        raise ValueError(f"{name} must name some of [{known}]. Got {chosen!r} instead.")
    return wanted


def panels_of_forecast(prediction, *, history, truth, coverage, target, groups, series, n_history) -> list[Bunch]:
    """Return what to show of a forecast, and of the history before it: a panel for each series and target."""
    is_frame = is_pandas(prediction)
    predicted = _split(prediction, groups, "prediction", is_result=True)
    before = {} if history is None else _split(history, groups, "history")
    after = {} if truth is None else _split(truth, groups, "truth")
    panels = []
    for id_ in choose(list(predicted), series, "series"):
        table, times = predicted[id_]
        found = (_targets_of_frame if is_frame else _targets_of_array)(table, coverage, target)
        names = [name for name, *_ in found]
        parts = []
        n_before = 0
        if id_ in before:
            rows, seen = before[id_]
            n_before = len(rows)
            kept = slice(max(0, n_before - (3 * len(table) if n_history is None else n_history)), n_before)
            seen = np.arange(n_before) if seen is None else seen
            parts.append((seen[kept], _columns(rows, names, "history")[kept]))
        if times is None:
            times = np.arange(len(table)) + (n_before if n_before else 1)
        if id_ in after:
            rows, seen = after[id_]
            values = _columns(rows, names, "truth")[: len(rows) if seen is not None else len(times)]
            seen = times[: len(values)] if seen is None else seen
            _check_same_kind(seen, times, "truth")
            is_shown = np.isin(positions(seen), positions(times))
            parts.append((seen[is_shown], values[is_shown]))
        if n_before:
            _check_same_kind(parts[0][0], times, "history")
        for column, (name, point, bands) in enumerate(found):
            panels.append(
                Bunch(
                    name=_name(id_, name if isinstance(name, str) else None if len(found) == 1 else column),
                    forecasts=[Bunch(times=times, prediction=point, bands=bands)],
                    observed=_join([(seen, values[:, column]) for seen, values in parts]),
                )
            )
    return panels


def panels_of_backtest(result, *, history, coverage, target, groups, series, origins, n_history) -> list[Bunch]:
    """Return what to show of the forecasts from some origins: a panel for each series and target."""
    backtest = read_backtest(result, coverage)
    if groups is None and backtest.series is not None and is_pandas(history):
        groups = backtest.groups
    before = None if history is None else _split(history, groups, "history")
    panels = []
    for id_, of_series in backtest.select("series", series).items():
        horizon = int(of_series.step.max())
        table, rows = (None, _rows_around(of_series)) if before is None else _history_of(before, id_)
        n_rows = 3 * horizon if n_history is None else n_history
        for name, part in _targets_of_backtest(of_series, target).items():
            places = rows.places(part.origin)
            shown_name = _only_name(table) if name is None else name
            shown = _origins_to_show(part, places, rows, origins)
            first, last = int(shown[0]) - n_rows + 1, int(shown[-1]) + horizon
            panels.append(
                Bunch(
                    name=_name(id_, shown_name),
                    forecasts=[_forecast_from(part.of(places == place), place, rows) for place in shown],
                    observed=_truth(part, places + part.step, first, last, rows)
                    if table is None
                    else _part_of_history(_columns(table, [name], "history")[:, 0], first, last, rows),
                )
            )
    return panels


def check_panels(panels: list) -> list[Bunch]:
    """Return panels with all their entries; not more than a reader can take in."""
    if not panels:
        raise ValueError("There is no panel to draw.")
    if len(panels) > MAX_PANELS:
        raise ValueError(
            f"The picture would have {len(panels)} panels, one for each series and target, while {MAX_PANELS} are the "
            "most. Choose some with series= and target=."
        )
    return [
        Bunch(
            name=panel["name"],
            forecasts=[Bunch(**{"bands": {}} | forecast) for forecast in panel["forecasts"]],
            observed=panel.get("observed"),
        )
        for panel in panels
    ]


def all_times(panels: list) -> Any:
    """Return the times of all panels in order."""
    parts = [forecast.times for panel in panels for forecast in panel.forecasts]
    times = _joined(parts + [panel.observed[0] for panel in panels if panel.observed is not None])
    return np.unique(times) if isinstance(times, np.ndarray) else times.unique().sort_values()


def _split(table, groups, name: str, *, is_result: bool = False) -> dict[Any, tuple[LongTable, Any]]:
    """Return the rows and the times of each series, by its id; the only series has None. Times may be None.

    Arrays that are results have the ids in their first column, wherever they are in the history.
    """
    groups = 0 if is_result and groups is not None and not is_pandas(table) else groups
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* is irregular")  # which the picture shows
        whole = read_long_table(table, groups, name)
    if groups is None:
        return {None: (whole, time_index(whole.values))}
    panel = whole.panel
    return {
        id_: (whole.of(rows), None if panel.times is None else panel.times[rows])
        for id_, rows in zip(list(panel.ids), np.split(panel.order, panel.starts[1:]), strict=True)
    }


def _history_of(before: dict, id_) -> tuple[LongTable, Rows]:
    """Return the values and the rows of a series."""
    if id_ not in before:
        raise ValueError(
            f"history has no series {id_!r}. Pass the series of the backtest, and groups= as in to_supervised."
        )
    table, labels = before[id_]
    if labels is not None:
        return table, Rows(labels)
    if is_pandas(table.values) and table.values.index.nlevels == 1:  # such as names of rows
        return table, Rows(table.values.index, are_times=False)
    n_rows = max(len(other) for other, _ in before.values())  # series without times end together, as in a backtest
    return table, Rows(np.arange(n_rows - len(table), n_rows))


def _rows_around(backtest: Backtest) -> Rows:
    """Return the rows around origins, if their labels follow from the result of a backtest alone."""
    origins, horizon = backtest.origin, int(backtest.step.max())
    if getattr(origins, "inferred_type", None) == "period":
        import pandas as pd

        return Rows(pd.period_range(origins.min(), origins.max() + horizon))
    is_of_array = not hasattr(origins, "inferred_type")
    if np.asarray(origins).dtype.kind in "iu" and (is_of_array or _have_step_one(backtest)):
        return Rows(np.arange(origins.min(), origins.max() + horizon + 1))
    raise ValueError("The times of the steps do not follow from the origins alone. Pass the series as history=.")


def _have_step_one(backtest: Backtest) -> bool:
    """Tell whether origins are of an index of integers with a step of 1 from row to row, as far as the result shows it.

    The differences of such origins have no common divisor but 1, or forecasts overlap. Overlapping forecasts have the
    same true values.
    """
    overlap = False
    for part in backtest.select("target", None).values():
        rows = np.asarray(part.origin) + part.step
        order = np.argsort(rows, kind="stable")
        is_again = np.diff(rows[order]) == 0
        truth = part.truth[order]
        if not np.array_equal(truth[1:][is_again], truth[:-1][is_again], equal_nan=True):
            return False
        overlap = overlap or bool(is_again.any())
    return overlap or bool(np.gcd.reduce(np.diff(np.unique(backtest.origin))) == 1)


def _targets_of_frame(table: LongTable, coverage, target) -> list[tuple]:
    """Return name, point forecast and bands of each target in the columns of a forecast."""
    values = table.values
    names = list(values.columns)
    for name in set(names) - set(values.select_dtypes(["number", "bool"]).columns):
        raise ValueError(f"Column {name!r} of prediction has no numbers. If it tells the series, pass groups={name!r}.")
    levels = {name: coverage_levels(names, f"{name}_") for name in names}
    ends = {column for found in levels.values() for pair in found.values() for column in pair}
    return [
        (
            name,
            _floats(values[name]),
            {
                level: tuple(map(_floats, (values[lower], values[upper])))
                for level, (lower, upper) in choose_coverage(levels[name], coverage).items()
            },
        )
        for name in choose([name for name in names if name not in ends], target, "target")
    ]


def _targets_of_array(table: LongTable, coverage, target) -> list[tuple]:
    """Return name, point forecast and bands of each target in the columns of an array; without target= no name."""
    values = np.asarray(table.values, dtype=float)
    levels = [] if coverage is None else np.ravel(coverage).tolist()
    n_targets, rest = divmod(values.shape[1], 1 + 2 * len(levels))
    names = [None] * n_targets if target is None else listed(target)
    if rest or len(names) != n_targets:
        raise ValueError(
            f"prediction has {values.shape[1]} column(s), while each target has {1 + 2 * len(levels)} with "
            f"coverage={coverage!r}. Got target={target!r}."
        )
    blocks = values.reshape(len(values), n_targets, -1).swapaxes(0, 1)
    return [
        (name, block[:, 0], {level: (block[:, 1 + 2 * i], block[:, 2 + 2 * i]) for i, level in enumerate(levels)})
        for name, block in zip(names, blocks, strict=True)
    ]


def _columns(table: LongTable, names: list, what: str) -> np.ndarray:
    """Return the columns of targets: those of their names or positions, or all if there are as many."""
    known = table.names
    if all(name is not None and name in known for name in names):
        places = [known.index(name) for name in names]
    elif len(known) == len(names):
        places = list(range(len(known)))
    else:
        raise ValueError(
            f"{what} has the columns {known}, of which none is called {names[0]!r}. Pass target= to tell the target."
            if names[0] is not None
            else f"{what} has the columns {known}, while the forecast has one target. Pass target= to tell which."
        )
    if is_pandas(table.values):
        return np.column_stack([_floats(table.values.iloc[:, place]) for place in places])
    return np.asarray(table.values[:, places], dtype=float)


def _floats(column) -> np.ndarray:
    return column.to_numpy(dtype=float, na_value=np.nan)


def _check_same_kind(times, others, name: str) -> None:
    """Check that the times of something can be compared with those of predictions."""
    kind, other = (_kind(times), _kind(others))
    if kind != other:
        raise ValueError(
            f"The rows of {name} have times of the kind {kind!r}, those of prediction {other!r}. Pass both as pandas "
            "objects with the same kind of index, or both as arrays."
        )
    if kind != "integer":
        check_comparable(times, others, name, "prediction")


def _kind(times) -> str:
    return getattr(times, "inferred_type", "integer")


def _targets_of_backtest(backtest: Backtest, target) -> dict[Any, Backtest]:
    """Return the rows of each target; the name of an only one is that of a column of the history."""
    if backtest.target is not None:
        return backtest.select("target", target)
    names = [None] if target is None else listed(target)
    if len(names) > 1:
        raise ValueError(f"The backtest has one target. Got target={target!r}.")
    return {names[0]: backtest}


def _origins_to_show(part: Backtest, places: np.ndarray, rows: Rows, origins) -> np.ndarray:
    """Return the positions of chosen origins, or of the latest ones whose forecasts do not overlap."""
    present = np.unique(places)
    if origins is None:
        horizon = int(part.step.max())
        shown = [present[-1]]
        for place in present[-2::-1]:
            if place <= shown[-1] - horizon:
                shown.append(place)
        return np.array(shown[: max(MAX_ORIGINS, MIN_STEPS // horizon)][::-1])
    chosen = np.unique(rows.find(_like(part.origin, origins)))
    if not len(chosen) or not np.isin(chosen, present).all():
        raise ValueError(
            f"origins must be some of the backtest, from {part.origin.min()} to {part.origin.max()}. Got {origins!r}."
        )
    return chosen


def _like(index, labels) -> Any:
    """Return labels as an index of the kind of another one, such as dates of texts."""
    labels = listed(labels)
    if not hasattr(index, "inferred_type"):
        return np.array(labels)

    import pandas as pd

    if index.inferred_type == "period":
        return pd.PeriodIndex([pd.Period(label, freq=index.freq) for label in labels])
    if index.inferred_type == "datetime64":
        given = pd.DatetimeIndex(labels)
        return given.tz_localize(index.tz) if given.tz is None and index.tz is not None else given
    return pd.TimedeltaIndex(labels) if index.inferred_type == "timedelta64" else pd.Index(labels)


def _forecast_from(part: Backtest, place: int, rows: Rows) -> Bunch:
    """Return the forecast from one origin."""
    part = part.of(np.argsort(part.step, kind="stable"))
    return Bunch(times=rows.at(place + part.step), prediction=part.prediction, bands=part.ends)


def _part_of_history(values: np.ndarray, first: int, last: int, rows: Rows) -> tuple[Any, np.ndarray]:
    """Return a stretch of the history."""
    seen = np.arange(max(0, first), min(last + 1, len(values)))
    return rows.at(seen), values[seen]


def _truth(part: Backtest, places: np.ndarray, first: int, last: int, rows: Rows) -> tuple[Any, np.ndarray]:
    """Return the true values of a stretch of rows that are in the result of a backtest."""
    inside = (places >= first) & (places <= last)
    seen = np.arange(places[inside].min(), places[inside].max() + 1)
    values = np.full(len(seen), np.nan)
    values[places[inside] - seen[0]] = part.truth[inside]
    return rows.at(seen), values


def _join(parts: list) -> tuple[Any, np.ndarray] | None:
    """Return times and values of the history and of what is true after it."""
    parts = [part for part in parts if len(part[0])]
    return (_joined([times for times, _ in parts]), np.concatenate([values for _, values in parts])) if parts else None


def _joined(parts: list) -> Any:
    """Return times one after the other, an index if any of them is one."""
    if not any(hasattr(times, "append") for times in parts):
        return np.concatenate(parts)

    import pandas as pd

    first, *more = (pd.Index(times) for times in parts)
    return first.append(more)


def _only_name(table: LongTable | None) -> str | None:
    """Return the name of the only column of a history."""
    names = [] if table is None else table.names
    return names[0] if len(names) == 1 and isinstance(names[0], str) else None


def _name(id_, target) -> str:
    """Return what a panel is called: its series, its target, or both."""
    return "\n".join(str(part) for part in (id_, target) if part is not None) or "value"
