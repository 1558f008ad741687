"""The behaviour suite: what it holds, how it judges, and that users can extend it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.behaviour import Capability, behaviour_texts, expand, load_capabilities, run_behaviour
from disconnect_nlp.eval.gates import behaviour_limits
from disconnect_nlp.eval.systems import Predictions, predict
from disconnect_nlp.taxonomy import load_taxonomy

INDEX = load_taxonomy().index
SHIPPED = load_capabilities()


def test_the_shipped_suite_is_as_large_as_promised_and_repeats_no_case():
    tests = [test for capability in SHIPPED for test in expand(capability)]
    assert len(SHIPPED) >= 25
    assert len(tests) >= 600
    assert {capability.kind for capability in SHIPPED} == {"minimum", "invariance", "gone", "not_down"}
    repeated = [pair for pair, n in Counter((test.base, test.text) for test in tests).items() if n > 1]
    assert repeated == []
    assert [test.id for test in tests if test.base == test.text] == []
    for label in load_taxonomy().core:  # every core label is asked for and asked away
        assert sum(label in test.given for test in tests) >= 12, label
        assert sum(label in test.labels for test in tests if test.kind == "gone") >= 4, label


def test_a_template_gives_one_case_a_filler_and_begins_with_a_capital():
    case = {
        "text": "{who} and {what}",
        "base": "nobody",
        "labels": ["civic"],
        "fill": {"who": ["he", "she"], "what": ["I"]},
    }
    capability = Capability.model_validate({"id": "x", "kind": "invariance", "about": "", "cases": [case]})
    tests = expand(capability)
    assert [test.text for test in tests] == ["He and I", "She and I"]
    assert all(test.from_template for test in tests)
    assert [test.id for test in tests] == ["x.001", "x.002"]


def capability(kind, **case):
    return Capability.model_validate({"id": "x", "kind": kind, "about": "", "cases": [{"text": "after", **case}]})


def judged(capability, before, after):
    """The result for scores of civic before and after the change."""
    data = behaviour_texts([capability])
    scores = np.zeros((len(data), len(INDEX)))
    for row, text in enumerate(data.texts):
        scores[row, INDEX["civic"]] = after if text == "after" else before
    return run_behaviour([capability], data, Predictions(scores, (scores >= 0.5).astype(np.int8)))[0]


@pytest.mark.parametrize(
    ("kind", "before", "after", "failed", "vacuous"),
    [
        ("gone", 0.9, 0.1, 0, 0),
        ("gone", 0.9, 0.8, 1, 0),
        ("gone", 0.1, 0.1, 0, 1),  # not found in the base: that it is gone proves nothing
        ("gone", 0.1, 0.9, 0, 1),
        ("invariance", 0.9, 0.8, 0, 0),
        ("invariance", 0.9, 0.2, 1, 0),
        ("invariance", 0.2, 0.9, 0, 1),
        ("invariance", 0.2, 0.2, 0, 1),
        ("not_down", 0.5, 0.6, 0, 0),
        ("not_down", 0.5, 0.46, 0, 0),  # within the tolerance of .05
        ("not_down", 0.5, 0.44, 1, 0),
        ("not_down", 0.0, 0.0, 0, 1),  # silence before and after proves nothing
        ("not_down", 0.4, 0.45, 0, 1),
        ("not_down", 0.3, 0.28, 0, 1),
        ("not_down", 0.3, 0.2, 0, 1),  # nor does it if it falls further
    ],
)
def test_a_change_is_judged_by_its_kind(kind, before, after, failed, vacuous):
    result = judged(capability(kind, base="before", labels=["civic"]), before, after)
    assert (result["n_failed"], result["n_vacuous"]) == (failed, vacuous)
    assert result["failure_rate"] == (None if vacuous else failed)
    assert len(result["examples"]) == failed
    assert len(result["passed"]) == 1 - failed - vacuous


def test_minimum_functionality_asks_for_labels_and_for_their_absence():
    both = capability("minimum", given=["civic"], absent=["core"])
    assert judged(capability("minimum", given=["civic"]), 0, 0.9)["n_failed"] == 0
    assert judged(capability("minimum", given=["civic"]), 0, 0.1)["failures"] == {"x.001": "not given: civic"}
    assert judged(capability("minimum", absent=["core"]), 0, 0.9)["failures"] == {"x.001": "given: civic"}
    assert judged(both, 0, 0.9)["n_failed"] == 1  # "core" holds civic


def test_cases_of_labels_that_a_system_does_not_know_are_left_out():
    own = capability("minimum", given=["civic"])
    data = behaviour_texts([own])
    scores = np.zeros((1, len(INDEX)))
    said = Predictions(scores, scores.astype(np.int8), covered=np.array([name != "civic" for name in INDEX]))
    assert (run_behaviour([own], data, said)[0]["n"], run_behaviour([own], data, said)[0]["failure_rate"]) == (0, None)


def test_a_system_of_few_labels_is_held_to_the_capabilities_that_it_can_know():
    """Those it cannot know are told, and fail only if nothing at all was tested."""
    known, other = capability("minimum", given=["civic"]), capability("minimum", given=["scale"])
    rows = [judged(known, 0, 0.9), {"capability": "y", "n": 0, "n_vacuous": 0, "failure_rate": None}]
    gates = behaviour_limits("--fail-over", 0.1, rows)
    assert [(gate.name, gate.passed) for gate in gates] == [("--fail-over x", True), ("--fail-over capabilities", True)]
    assert gates[1].message == "1 of 2 tested; labels not covered: y"
    data = behaviour_texts([other])
    scores = np.zeros((1, len(INDEX)))
    said = Predictions(scores, scores.astype(np.int8), covered=np.array([name != "scale" for name in INDEX]))
    (gate,) = behaviour_limits("--fail-over", 1, run_behaviour([other], data, said))
    assert (gate.passed, gate.message) == (False, "0 of 1 tested; labels not covered: x")


def test_the_shipped_model_does_what_the_suite_calls_the_minimum(default_model):
    own = [capability for capability in SHIPPED if capability.id.startswith("plain_")]
    data = behaviour_texts(own)
    rows = run_behaviour(own, data, predict(default_model, data))
    assert sum(row["n_failed"] for row in rows) < 0.2 * sum(row["n"] for row in rows)
    nothing = np.zeros((len(data), len(INDEX)))
    silent = run_behaviour(own, data, Predictions(nothing, nothing.astype(np.int8)))
    assert sum(row["n_failed"] for row in silent) > 0.7 * sum(row["n"] for row in silent)  # silence does not pass


@pytest.mark.parametrize(("score", "passes"), [(0.0, {"plain_life", "safety_idioms"}), (1.0, None)])
def test_a_system_that_reads_nothing_passes_no_capability_but_those_it_should(score, passes):
    """Silence is right where there is nothing to find, and giving everything never lets go of a label."""
    data = behaviour_texts(SHIPPED)
    scores = np.full((len(data), len(INDEX)), score)
    rows = run_behaviour(SHIPPED, data, Predictions(scores, scores.astype(np.int8)))
    gates = behaviour_limits("--fail-over", 0.1, rows)
    passed = {gate.name.split()[1] for gate in gates if gate.passed}
    if passes is not None:
        assert passed == passes
    must_go = {own.id for own in SHIPPED if own.kind == "gone"} | {"plain_life", "safety_idioms"}
    assert not passed & (must_go - (passes or set()))


HEAD = '[[capability]]\nid = "mine"\nabout = ""\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[capability]\n", "a.toml: "),
        (HEAD + 'kind = "odd"\ncases = [{text="a"}]', "kind"),
        (HEAD + 'kind = "minimum"\ncases = []', "cases"),
        (HEAD + 'kind = "minimum"\ncases = [{text="a"}]', "mine, case 1: kind 'minimum' needs given or absent"),
        (HEAD + 'kind = "gone"\ncases = [{text="a", labels=["civic"]}]', "case 1: kind 'gone' needs base and labels"),
        (HEAD + 'kind = "minimum"\ncases = [{text="a", given=["sadness"]}]', "case 1: unknown label 'sadness'"),
        (
            HEAD + 'kind = "minimum"\ncases = [{text="{a}", given=["civic"], fill={b=["x"]}}]',
            "places .'a'. and",
        ),
        (2 * (HEAD + 'kind = "minimum"\ncases = [{text="a", given=["civic"]}]\n'), "'mine' stands in the files twice"),
    ],
)
def test_broken_cases_of_a_user_are_refused_by_place(tmp_path, content, message):
    path = tmp_path / "a.toml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        load_capabilities(path)


def test_a_users_folder_of_cases_is_read_and_an_empty_one_refused(tmp_path):
    (tmp_path / "a.toml").write_text(HEAD + 'kind = "minimum"\ncases = [{text="a", given=["civic"]}]')
    assert [own.id for own in load_capabilities(tmp_path)] == ["mine"]
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="no such file, or no .toml file in it"):
        load_capabilities(tmp_path / "b")
