"""What is asked of every linear learner whose scores are mixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from disconnect_nlp.labellers.learners import linear_svm, logistic_regression, naive_bayes

LEARNERS = {
    "logistic regression": logistic_regression(),
    "linear SVM": linear_svm(),
    "naive Bayes": naive_bayes(),
}
TELLING, SHARED, UNSEEN = range(3)


@pytest.fixture(params=LEARNERS)
def learner(request):
    return LEARNERS[request.param]


def texts(n=40):
    """Every other text is positive; they alone have the first feature, all have the second, none the third."""
    truth = np.arange(n) % 2
    return sparse.csr_matrix(np.column_stack([truth, np.ones(n), np.zeros(n)])), truth


def test_a_learner_finds_what_tells_positives_and_says_nothing_of_what_it_never_saw(learner):
    features, truth = texts()
    coefficients, intercept = learner(features, truth, np.ones(len(truth)))
    scores = features @ coefficients + intercept
    assert scores[truth == 1].min() > scores[truth == 0].max()
    assert coefficients[TELLING] > abs(coefficients[SHARED])
    assert coefficients[UNSEEN] == 0
    assert coefficients.dtype == np.float32


def test_texts_that_count_more_decide(learner):
    """Half of the texts say the opposite of the others."""
    features, truth = texts()
    truth = np.concatenate([truth, 1 - truth])
    features = sparse.vstack([features, features], format="csr")
    sides = [learner(features, truth, np.repeat(weights, 40))[0][TELLING] for weights in ([5.0, 1.0], [1.0, 5.0])]
    assert sides[0] > 0 > sides[1]


@pytest.mark.parametrize(("answers", "positive"), [([0, 0], False), ([1, 1], True), ([], False)])
def test_a_target_that_is_the_same_in_every_text_gets_a_constant(learner, answers, positive):
    features, _ = texts()
    coefficients, intercept = learner(features[: len(answers)], np.array(answers, dtype=int), np.ones(len(answers)))
    assert not coefficients.any()
    assert (intercept > 0) == positive
