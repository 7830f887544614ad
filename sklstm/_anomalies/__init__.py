"""Anomalies: the outlier detector around a forecaster."""
