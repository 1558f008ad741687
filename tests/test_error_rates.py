"""Error rates of a model: counted on held-out texts, kept in its manifest, used by the report."""

from __future__ import annotations

import numpy as np

from conftest import TINY
from disconnect_nlp.eval.error_rates import held_out_rates
from disconnect_nlp.reports.correction import Rates, model_rates
from disconnect_nlp.store.catalogue import error_rates, load
from disconnect_nlp.store.classifier import save
from disconnect_nlp.store.manifest import ErrorRates, LabelRates, read_manifest
from disconnect_nlp.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


def test_error_rates_count_held_out_decisions_and_prefer_what_people_wrote(tiny_model):
    texts, labels = zip(*TINY, strict=True)
    n, numb, work = len(texts), TAXONOMY.index["numbness"], TAXONOMY.index["professional"]
    observed = np.ones((n, len(TAXONOMY.ids)), dtype=np.int8)
    observed[0, work] = 0
    scores = np.full((n, len(TAXONOMY.ids)), -20.0)
    flagged = [2, 3, 4]  # two numb texts and one that is not
    scores[flagged, numb] = 20.0
    rates = held_out_rates(tiny_model, scores, labels, observed, n_authored=n)
    own = rates.labels["numbness"]
    assert (own.positives, own.negatives, own.hits["f1"], own.false_alarms["f1"]) == (8, 16, 2, 1)
    assert rates.labels["professional"].positives == 7  # the first is not known
    assert rates.measured_on == f"held-out scores of {n} authored passages"
    twice = held_out_rates(tiny_model, np.vstack([scores] * 2), labels * 2, np.vstack([observed] * 2), n_authored=n)
    assert twice.labels["numbness"].positives == 16  # eight real ones are too few to speak alone
    many = held_out_rates(tiny_model, np.vstack([scores] * 3), labels * 3, np.vstack([observed] * 3), n_authored=n)
    assert many.labels["numbness"].positives == 16
    assert "48 public passages" in many.measured_on


def test_error_rates_are_kept_with_the_model_and_change_nothing_else(tiny_model, tmp_path):
    saved = save(tiny_model, tmp_path / "m", name="m")
    assert error_rates(tmp_path / "m")[0] is None  # nobody measured
    before = load(tmp_path / "m").predict_proba(["I feel numb."])
    _, labels = zip(*TINY, strict=True)
    rates = held_out_rates(tiny_model, tiny_model.held_out, labels, np.ones((24, 46), dtype=np.int8), 24)
    save(tiny_model, tmp_path / "m", name="m", error_rates=rates)
    assert error_rates(tmp_path / "m")[0] == rates
    assert read_manifest(tmp_path / "m").model_copy(update={"error_rates": None}) == saved
    np.testing.assert_array_equal(load(tmp_path / "m").predict_proba(["I feel numb."]), before)
    assert error_rates("lexicon") == (None, "")


def test_a_report_corrects_by_the_rates_of_the_model_that_labelled(tiny_model, tmp_path):
    rates = ErrorRates(
        measured_on="ten texts",
        labels={"distress": LabelRates(positives=20, negatives=90, hits={"f1": 15}, false_alarms={"f1": 9})},
    )
    save(tiny_model, tmp_path / "m", error_rates=rates)
    found, words = model_rates(str(tmp_path / "m"), "f1")
    assert found == {"distress": Rates(15, 20, 9, 90)}
    assert "from ten texts" in words
    assert model_rates(str(tmp_path / "m"), "recall")[0] == {}
    found, words = model_rates(str(tmp_path / "m"), "f1", sha256="another")
    assert found == {}
    assert "labelled by another version" in words
