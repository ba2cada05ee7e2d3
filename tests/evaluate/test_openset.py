import numpy as np

from hubbub.evaluate.openset import KNOWN_SCORES, max_softmax


def test_the_largest_score_of_each_sound() -> None:
    scores = np.array([[0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_array_equal(max_softmax(scores, np.zeros((2, 7))), [0.8, 0.5])
    assert KNOWN_SCORES["max_softmax"](scores[0], np.zeros(7)) == 0.8
