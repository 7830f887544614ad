"""The API reference: one table of all public objects, and the pages made from it."""

from pathlib import Path

REFERENCE = {
    "Forecasting": (
        "Regressors on windows, and the functions around them.",
        [
            "sklstm.LSTMForecaster",
            "sklstm.SeasonalNaive",
            "sklstm.ConformalForecaster",
            "sklstm.to_supervised",
            "sklstm.forecast",
            "sklstm.sample_paths",
            "sklstm.backtest",
            "sklstm.PanelTimeSeriesSplit",
        ],
    ),
    "Classification": ("Classes of sequences, or of their steps.", ["sklstm.LSTMClassifier"]),
    "Anomaly detection": ("Rows that a forecaster did not expect.", ["sklstm.LSTMAnomalyDetector"]),
    "Text, translation and speech": (
        "Language models, and sequences to texts.",
        ["sklstm.LSTMTextGenerator", "sklstm.LSTMTranslator", "sklstm.LSTMTranscriber"],
    ),
    "Windows and sequences": (
        "Transformers and functions that make sequences.",
        ["sklstm.SlidingWindow", "sklstm.TokenSequences", "sklstm.LogMelSpectrogram", "sklstm.pad_sequences"],
    ),
    "Saving": ("Files of fitted estimators.", ["sklstm.trusted_types"]),
    "Metrics": (
        "Scores of forecasts, intervals and texts, and scorers made of them.",
        [
            "sklstm.metrics.mean_absolute_scaled_error",
            "sklstm.metrics.interval_coverage",
            "sklstm.metrics.interval_width",
            "sklstm.metrics.interval_score",
            "sklstm.metrics.continuous_ranked_probability_score",
            "sklstm.metrics.character_error_rate",
            "sklstm.metrics.make_interval_scorer",
            "sklstm.metrics.make_quantile_scorer",
            "sklstm.metrics.make_step_scorer",
        ],
    ),
    "Plotting": (
        "Displays, as in scikit-learn: `from_estimator`, `from_predictions` and `plot`. They need matplotlib.",
        [
            "sklstm.plotting.ForecastDisplay",
            "sklstm.plotting.BacktestDisplay",
            "sklstm.plotting.GatesDisplay",
            "sklstm.plotting.RelevanceDisplay",
            "sklstm.plotting.AttentionDisplay",
            "sklstm.plotting.LossCurveDisplay",
        ],
    ),
    "Datasets": ("Small series to try things on.", ["sklstm.datasets.load_airline", "sklstm.datasets.make_sine"]),
}

HEAD = """\
API reference
=============

Import these names from the module that stands before them. All others are private.
"""
SECTION = """
{title}
{underline}

{description}

.. autosummary::
   :toctree: generated
   :nosignatures:

{objects}
"""


def write_reference(folder: Path) -> None:
    """Write the page that lists the table, from which autosummary makes a page for each object."""
    sections = [
        SECTION.format(
            title=title,
            underline="-" * len(title),
            description=description,
            objects="\n".join(f"   ~{name}" for name in objects),
        )
        for title, (description, objects) in REFERENCE.items()
    ]
    page = HEAD + "".join(sections)
    folder.mkdir(exist_ok=True)
    path = folder / "index.rst"
    if not path.exists() or path.read_text(encoding="utf-8") != page:  # a new date would be read as a change
        path.write_text(page, encoding="utf-8")
