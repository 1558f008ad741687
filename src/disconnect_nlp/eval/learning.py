"""Learning curve: what a classifier scores when it has seen less, and so whether more texts would pay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import bootstrap_weights, group_codes, interval
from disconnect_nlp.eval.run import label_measures, overall_measures
from disconnect_nlp.eval.systems import predict
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import TrainingTexts

SHARES = (0.125, 0.25, 0.5, 1.0)


def learning_curve(
    training: TrainingTexts,
    dataset: Dataset,
    *,
    make: Callable[[], DisconnectClassifier],
    labels: Sequence[str],
    shares: Sequence[float] = SHARES,
    samples: int,
    seed: int,
    done: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Fit on growing shares of the training texts, group by group, and score each on a data set.

    Groups are shuffled once and taken from the front, so each step contains the one before.

    Parameters
    ----------
    make
        Makes an unfitted classifier.
    done
        Called after each step.

    Returns
    -------
    list
        One dictionary a step: ``share``, ``n_train``, ``n_groups``, and ``macro_f1`` and ``macro_ap`` with intervals.
    """
    columns = [load_taxonomy().index[label] for label in labels]
    weights = bootstrap_weights(dataset.groups, samples=samples, seed=seed)
    steps = []
    for share, rows in _steps(training, shares, seed):
        part = _part(training, rows)
        model = make().fit(
            part.texts, part.labels, groups=part.groups, observed=part.observed, real=part.real, near=part.near
        )
        said = predict(model, dataset).columns(columns)
        truth = dataset.truth[:, columns]
        whole = overall_measures(truth, said, label_measures(truth, said))
        drawn = overall_measures(truth, said, label_measures(truth, said, weights), weights)
        step: dict[str, Any] = {"share": share, "n_train": len(rows), "n_groups": len(set(part.groups))}
        for key in ("macro_f1", "macro_ap"):
            low, high = interval(drawn[key])
            step |= {key: plain(whole[key]), f"{key}_low": plain(low), f"{key}_high": plain(high)}
        steps.append(step)
        done()
    return steps


def _steps(training: TrainingTexts, shares: Sequence[float], seed: int) -> Iterator[tuple[float, Array]]:
    codes = group_codes(training.groups)
    order = np.random.default_rng(seed).permutation(codes.max() + 1)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    sizes = np.cumsum(np.bincount(codes)[order])
    for share in sorted(shares):
        last = int(np.searchsorted(sizes, share * len(codes)))
        yield share, np.flatnonzero(place[codes] <= last)


def _part(training: TrainingTexts, rows: Array) -> TrainingTexts:
    return TrainingTexts(
        [training.texts[row] for row in rows],
        [training.labels[row] for row in rows],
        [training.groups[row] for row in rows],
        training.observed[rows],
        int((rows < training.n_authored).sum()),
        [training.near[row] for row in rows],
    )
