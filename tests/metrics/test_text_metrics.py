import pytest
from sklearn.metrics import make_scorer

from sklstm.metrics import character_error_rate


@pytest.mark.parametrize(
    ("true", "predicted", "edits"),
    [
        ("kitten", "sitting", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("abc", "xabc", 1),
        ("flaw", "lawn", 2),
        ("a", "bcd", 3),
    ],
)
def test_character_errors_are_edits_per_true_character(true, predicted, edits):
    assert character_error_rate([true], [predicted]) == pytest.approx(edits / len(true))


def test_character_errors_of_several_texts():
    assert character_error_rate(["ab", "cdef"], ["ax", "cdef"]) == pytest.approx(1 / 6)
    assert character_error_rate(["ab", "cdef"], ["ax", "cdef"], sample_weight=[2, 1]) == pytest.approx(2 / 8)
    assert character_error_rate(["", "ab"], ["x", "ab"]) == 0.5
    scorer = make_scorer(character_error_rate, greater_is_better=False)
    assert scorer._sign == -1


@pytest.mark.parametrize(
    ("true", "predicted", "weight", "message"),
    [
        (["a"], ["a", "b"], None, "inconsistent numbers of samples"),
        ([1], ["a"], None, r"y_true should be a list of strings, but y_true\[0\] is 1"),
        (["a"], [None], None, r"y_pred\[0\] is None"),
        ("a", ["a"], None, "y_true"),
        ([""], ["a"], None, "All true texts are empty"),
        (["a"], ["a"], [1, 2], "inconsistent numbers of samples"),
        (["a"], ["a"], [0], "All true texts are empty or have weight zero"),
        ([], [], None, "0 sample"),
    ],
)
def test_texts_without_an_error_rate(true, predicted, weight, message):
    with pytest.raises(ValueError, match=message):
        character_error_rate(true, predicted, sample_weight=weight)
