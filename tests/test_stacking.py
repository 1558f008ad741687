"""What is mixed into the score of a label, and from which questions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from disconnect_nlp.labellers.stacking import learnable, mix, near_matrix, questions, stacked
from disconnect_nlp.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
INDEX, N_LABELS = TAXONOMY.index, len(TAXONOMY.ids)
ASKED = ["no effect", "any type", "any core label", *TAXONOMY.core, "about a type"]


@pytest.mark.parametrize(
    ("labels", "near", "unknown", "yes", "open_"),
    [
        (["civic"], (), [], {"no effect", "any type", "any core label", "civic", "about a type"}, set()),
        (["irrelevance"], (), [], {"no effect"}, set()),
        (["numbness"], (), [], {"any core label", "numbness"}, set()),
        ([], ["civic"], [], {"civic", "about a type"}, set()),
        ([], ["distress", "family"], [], {"distress"}, set()),
        ([], None, [], set(), {*TAXONOMY.core, "about a type"}),
        (["civic"], None, [], {"no effect", "any type", "any core label", "civic", "about a type"},
         {*TAXONOMY.core} - {"civic"}),
        ([], (), ["scale"], set(), {"no effect", "any type", "any core label", "scale", "about a type"}),
        (["civic"], (), ["scale"], {"no effect", "any type", "any core label", "civic", "about a type"}, {"scale"}),
    ],
)  # fmt: skip
def test_a_text_answers_what_its_labels_and_near_misses_tell(labels, near, unknown, yes, open_):
    truth, observed = np.zeros((1, N_LABELS), dtype=np.int8), np.ones((1, N_LABELS), dtype=np.int8)
    truth[0, [INDEX[label] for label in labels]] = 1
    observed[0, [INDEX[label] for label in unknown]] = 0
    asked = questions(truth, observed, *near_matrix([near], INDEX), TAXONOMY)
    assert {name for name, answer in zip(ASKED, asked.truth[0], strict=True) if answer} == yes
    assert {name for name, known in zip(ASKED, asked.observed[0], strict=True) if not known} == open_


def test_a_label_learns_from_a_question_and_one_too_rare_or_not_core_keeps_its_own_score():
    draw = np.random.default_rng(0)
    truth = np.zeros((600, N_LABELS), dtype=np.int8)
    for label, n in (("civic", 60), ("scale", 12), ("family", 60)):
        truth[:n, INDEX[label]] = 1
    scores = draw.normal(size=(600, N_LABELS + 1))
    scores[:60, N_LABELS] += 4  # the question knows, the labels' own scores do not
    known, folds = np.ones_like(truth), [(np.arange(600), np.arange(600))]
    labels = learnable(truth, known, folds, stacked(TAXONOMY))
    mixing, constants = mix(scores, truth, known, np.ones(600), np.zeros(600, dtype=bool), labels)
    mixed = scores @ mixing + constants
    assert average_precision_score(truth[:, INDEX["civic"]], scores[:, INDEX["civic"]]) < 0.3
    assert average_precision_score(truth[:, INDEX["civic"]], mixed[:, INDEX["civic"]]) > 0.9
    untouched = [INDEX["scale"], *(column for column in range(N_LABELS) if column not in stacked(TAXONOMY))]
    np.testing.assert_array_equal(mixed[:, untouched], scores[:, untouched])


def test_the_unit_of_a_learners_scores_does_not_matter():
    draw = np.random.default_rng(0)
    truth = np.zeros((300, N_LABELS), dtype=np.int8)
    truth[:60, INDEX["civic"]] = 1
    scores = draw.normal(size=(300, N_LABELS + 2)) + 2 * truth[:, [INDEX["civic"]]]

    def mixed(scores):
        some = [INDEX["civic"]]
        mixing, constants = mix(scores, truth, np.ones_like(truth), np.ones(300), np.zeros(300, dtype=bool), some)
        return (scores @ mixing + constants)[:, some]

    units = np.ones(N_LABELS + 2)
    units[-2:] = 0.01, 50.0
    np.testing.assert_allclose(mixed(scores * units), mixed(scores), rtol=1e-4)


def test_what_people_wrote_decides_where_it_says_otherwise_than_texts_written_to_teach():
    """One question is right about the first kind of texts and wrong about the second."""
    truth = np.zeros((400, N_LABELS), dtype=np.int8)
    truth[::4, INDEX["civic"]] = 1
    carries = truth[:, INDEX["civic"]] * 2.0 - 1
    scores = np.zeros((400, N_LABELS + 1))
    scores[:200, N_LABELS], scores[200:, N_LABELS] = carries[:200], -carries[200:]
    real = np.arange(400) >= 200
    weights = [
        mix(scores, truth, np.ones_like(truth), np.ones(400), kind, [INDEX["civic"]])[0][-1, INDEX["civic"]]
        for kind in (real, ~real, np.ones(400, dtype=bool))
    ]
    assert weights[0] < -0.01 < 0.01 < weights[1]
    assert abs(weights[2]) < 1e-6


def test_a_label_whose_folds_are_all_positive_or_all_negative_is_not_mixed():
    truth = np.zeros((80, N_LABELS), dtype=np.int8)
    truth[:40, [INDEX["civic"]]] = 1
    truth[::2, [INDEX["numbness"]]] = 1
    halves = np.arange(40), np.arange(40, 80)
    assert learnable(truth, np.ones_like(truth), [halves, halves[::-1]], stacked(TAXONOMY)) == [INDEX["numbness"]]
