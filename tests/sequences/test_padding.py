import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from sklstm import pad_sequences

SEQUENCES = st.integers(1, 3).flatmap(
    lambda n_features: st.lists(
        arrays(float, st.tuples(st.integers(0, 5), st.just(n_features)), elements=st.floats(-1e6, 1e6)), min_size=1
    )
)


@given(SEQUENCES)
def test_each_sequence_stands_at_the_end_of_its_row(sequences):
    padded = pad_sequences(sequences)
    assert padded.shape == (len(sequences), max(1, *map(len, sequences)), sequences[0].shape[1])
    for row, sequence in zip(padded, sequences, strict=True):
        n_missing = padded.shape[1] - len(sequence)
        assert np.isnan(row[:n_missing]).all()
        assert_array_equal(row[n_missing:], sequence)


def test_a_longer_sequence_keeps_its_last_steps():
    assert_array_equal(pad_sequences([[1, 2, 3], [4]], n_steps=2), [[2, 3], [np.nan, 4]])
    assert_array_equal(pad_sequences([[1], [4]], n_steps=2), [[np.nan, 1], [np.nan, 4]])


@pytest.mark.parametrize(("dtypes", "expected"), [("ff", "f"), ("fd", "d"), ("il", "d")])
def test_dtypes(dtypes, expected):
    assert pad_sequences([np.ones(3, dtype) for dtype in dtypes]).dtype == expected


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "0 sequence"),
        ([np.ones((2, 3)), np.ones((2, 4))], "same features"),
        ([np.ones(2), np.ones((2, 1))], "same features"),
        ([np.ones((2, 1, 1, 1, 1))], r"shape \(n_steps,\) or"),
        ([[["a", "b"]]], "numeric"),
        ([[np.inf]], "Input sequences contains infinity"),
    ],
)
def test_invalid_sequences(sequences, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences)


def test_invalid_number_of_steps():
    with pytest.raises(ValueError, match="n_steps == 0, must be >= 1"):
        pad_sequences([[1]], n_steps=0)


def test_labels_of_steps():
    (first, second) = pad_sequences([["a", "b"], ["b"]], n_steps=2).tolist()
    assert (first, second[1]) == (["a", "b"], "b")
    assert np.isnan(second[0])
    assert pad_sequences([["a", "b"]], n_steps=1).tolist() == [["b"]]
    with pytest.raises(ValueError, match="numeric"):
        pad_sequences([["a"], [["b"]]])
    pd = pytest.importorskip("pandas")
    assert pad_sequences([pd.Series(["a", None]), np.array(["b"])])[1, 1] == "b"


def test_a_clip_may_be_a_list_of_frames(rng):
    frames = [rng.integers(255, size=(3, 4), dtype=np.uint8) for _ in range(5)]
    padded = pad_sequences([frames, frames[:2]])
    assert padded.shape == (2, 5, 3, 4)
    assert_array_equal(padded[1, -1], frames[1])


def test_numbers_are_no_sequences():
    with pytest.raises(ValueError, match="Each sequence must have the shape"):
        pad_sequences([1, 2])


def test_columns_in_another_order_are_refused():
    pd = pytest.importorskip("pandas")
    first = pd.DataFrame({"temp": [20.0, 21.0], "load": [500.0, 510.0]})
    assert_array_equal(pad_sequences([first, first[:1]])[1], [[np.nan, np.nan], [20, 500]])
    with pytest.raises(ValueError, match=r"must have the same columns in the same order\. Got .*'load', 'temp'"):
        pad_sequences([first, first[["load", "temp"]]])
