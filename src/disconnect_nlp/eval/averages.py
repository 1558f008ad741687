"""Over which labels an average goes: averages over different labels are not to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Averages over labels: key in the result, metric averaged.
MEANS = {
    "macro_f1": "f1",
    "macro_precision": "precision",
    "macro_recall": "recall",
    "macro_ap": "average_precision",
    "macro_roc_auc": "roc_auc",
    "macro_mcc": "mcc",
    "macro_balanced_accuracy": "balanced_accuracy",
    "mean_brier": "brier",
    "mean_ece": "ece",
}
# Of all metrics it is defined for just the labels that a system covers, over which all other figures go.
_COVERED = "prevalence_error"


def averaged(labels: Mapping[str, Mapping[str, Any]], key: str) -> tuple[str, ...]:
    """Return the labels behind a figure of a system: those for which the metric that it averages is defined.

    Parameters
    ----------
    labels
        Id to numbers, as :func:`disconnect_nlp.eval.run.evaluate` returns them.
    key
        The figure, such as ``macro_f1``; or a metric of single labels.

    Examples
    --------
    >>> averaged({"civic": {"f1": 0.5}, "scale": {"f1": None}}, "macro_f1")
    ('civic',)
    """
    numbers = next(iter(labels.values()), {})
    metric = MEANS.get(key, key if key in numbers else _COVERED)
    return tuple(label for label, own in labels.items() if own[metric] is not None)
