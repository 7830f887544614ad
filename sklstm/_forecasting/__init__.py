"""Forecasting: from a series to a supervised problem, forecasters, forecasts and backtests."""
