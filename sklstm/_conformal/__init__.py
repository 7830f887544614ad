"""Conformal prediction: from scores of rows that a model has not seen to levels that hold for new rows."""
