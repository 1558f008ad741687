"""Features and models for the core labels, every one alone: writes the section "Features and models" of RESULTS.md.

    python benchmarks/features.py [--public FOLDER] [--data FILE] [--only NAME ...]

Each variant is fitted on the train split (and the labelled public passages, if their folder is given) and measured by
average precision, macro-averaged over the nine core labels: on held-out author batches (three folds by group; authored
texts only), and on a labelled file it never saw. Variants with MiniLM need the extra ``accurate``.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from results import put_section
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.eval.datasets import read_dataset
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.encoder import SentenceEncoder
from disconnect_nlp.labellers.featurizer import Features
from disconnect_nlp.labellers.learners import Learner, linear_svm, logistic_regression, naive_bayes
from disconnect_nlp.labellers.linear import pooled
from disconnect_nlp.labellers.stacking import mix, near_matrix, questions
from disconnect_nlp.labellers.windows import Windows
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.training import training_texts

Array = np.ndarray
Score = Callable[[sparse.csr_matrix], Array]
Fit = Callable[[sparse.csr_matrix, Array, Array], Score]  # features, truth, groups
FOLDS, SEED, RARE, UNKNOWN = 3, 0, 3, -1


def shape_of(word: str) -> str:
    """Return letters as x and digits as d, four at most."""
    return re.sub(r"\d", "d", re.sub(r"[a-z]", "x", word))[:4]


class Material:
    """Training texts and texts to transfer to, and every representation of both, made when first asked for."""

    def __init__(self, public: Path | None, data: Path | None) -> None:
        taxonomy = load_taxonomy()
        self.core = [taxonomy.index[label] for label in taxonomy.core]
        training = training_texts(public, taxonomy)
        self.what, self.n, self.n_authored = training.what, len(training.texts), training.n_authored
        self.truth = np.where(training.observed > 0, training.truth(), UNKNOWN)[:, self.core].astype(np.int8)
        asked = questions(training.truth(), training.observed, *near_matrix(training.near, taxonomy.index), taxonomy)
        answers = np.where(asked.observed > 0, asked.truth, UNKNOWN).astype(np.int8)
        self.wide = np.hstack([self.truth, answers, training.real[:, None]])
        self.groups = np.unique(np.array(training.groups), return_inverse=True)[1]
        registers = {text.batch + text.text[:40]: text.text_register for text in load_corpus()}
        self.registers = [
            registers.get(f"{group}{text[:40]}", "long" if row < self.n_authored else "public")
            for row, (group, text) in enumerate(zip(training.groups, training.texts, strict=True))
        ]
        target = read_dataset(data) if data else None
        self.target_truth = target.truth[:, self.core] if target else np.zeros((0, len(self.core)))
        self.texts = [*training.texts, *(target.texts if target else ())]
        self.model = DisconnectClassifier().prepare()
        self.windows = self.model.whole(self.texts)

    @cached_property
    def shipped(self) -> Features:
        """The features of the shipped model."""
        featurizer = self.model.featurizer.fit(self.windows)
        return featurizer.features(self.windows, featurizer.find(self.windows.tokens))

    @cached_property
    def views(self) -> list[sparse.csr_matrix]:
        """The shipped n-grams: of words, of base forms, of words with their status."""
        return [block.tfidf for block in self.shipped.blocks]

    @cached_property
    def words(self) -> list[list[str]]:
        """Lower-case tokens of every text."""
        return [[token.norm_ for token in doc] for doc in blank_pipeline().pipe(self.texts)]

    @cached_property
    def shapes(self) -> list[list[str]]:
        """Words; of those in fewer than three texts the shape: letters as x, digits as d, four at most."""
        seen = dict(zip(*np.unique([w for text in self.words for w in set(text)], return_counts=True), strict=True))
        return [[word if seen[word] >= RARE else shape_of(word) for word in text] for text in self.words]

    @cached_property
    def piece_vectors(self) -> Array:
        """Mean static word-piece vectors of MiniLM, unit length."""
        encoder = SentenceEncoder()
        table = encoder.embeddings["word_embeddings.weight"]
        means = np.array([table[list(ids)].mean(axis=0) for ids in encoder.pieces(self.texts)])
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    @cached_property
    def embeddings(self) -> Array:
        """Sentence embeddings of MiniLM as it comes."""
        return SentenceEncoder().encode(self.texts)

    @cached_property
    def dense(self) -> sparse.csr_matrix:
        """One hundred directions of the n-grams, and the lexicon block."""
        ngrams = sparse.hstack(self.views, format="csr")
        reduced = TruncatedSVD(100, random_state=SEED).fit(ngrams[: self.n]).transform(ngrams)
        return sparse.hstack([sparse.csr_matrix(reduced), self.shipped.lexicon], format="csr")

    def counted(
        self, texts: Sequence[Sequence[str]], span: tuple[int, int], analyzer: str = "word"
    ) -> sparse.csr_matrix:
        """Return tf-idf of n-grams of given tokens, or of characters."""
        vectorizer = HashingVectorizer(
            n_features=1 << 18,
            ngram_range=span,
            analyzer=analyzer,
            token_pattern=r"\S+",
            lowercase=False,
            alternate_sign=False,
            norm=None,
        )
        counts = vectorizer.transform([" ".join(text) for text in texts])
        counts.data = 1 + np.log(counts.data)
        return TfidfTransformer().fit(counts[: self.n]).transform(counts)

    def sentences(self) -> tuple[Windows, Array]:
        """Return every sentence of the texts as a window, and the text it belongs to."""
        tokens = self.windows.tokens
        first = np.flatnonzero(tokens.starts)
        return Windows(tokens, first, np.append(first[1:], tokens.bounds[-1])), tokens.text_of(first)


def logistic(C: float = 30.0) -> Fit:
    """Return a fit of one logistic regression a label."""
    return linear(logistic_regression(C=C, seed=SEED))


def balanced(features: sparse.csr_matrix, truth: Array, _: Array) -> tuple[Array, float]:
    """Fit a logistic regression to which positives and negatives count as much."""
    model = LogisticRegression(C=30.0, solver="liblinear", random_state=SEED, class_weight="balanced")
    model.fit(features, truth)
    return model.coef_[0], float(model.intercept_[0])


def smoothed(share: float) -> Fit:
    """Return a logistic fit on labels of which a share is taken to be wrong: every text stands on both sides."""

    def one(features: sparse.csr_matrix, truth: Array, _: Array) -> tuple[Array, float]:
        both, targets = sparse.vstack([features, features]), np.concatenate([truth, 1 - truth])
        weights = np.repeat([1 - share, share], len(truth))
        model = LogisticRegression(C=30.0, solver="liblinear", random_state=SEED).fit(both, targets, weights)
        return model.coef_[0], float(model.intercept_[0])

    return linear(one)


def linear(one: Learner) -> Fit:
    """Return a fit of one linear learner a label."""

    def fit(features: sparse.csr_matrix, truth: Array, _: Array) -> Score:
        known = (_known(features, own) for own in truth.T)
        fitted = Parallel(n_jobs=-1)(delayed(one)(rows, own, np.ones(len(own))) for rows, own in known)
        coefficients = np.array([row for row, _ in fitted]).T
        intercepts = np.array([intercept for _, intercept in fitted])
        return lambda rows: np.asarray(rows @ coefficients) + intercepts

    return fit


def _known(features: sparse.csr_matrix, truth: Array) -> tuple[sparse.csr_matrix, Array]:
    """Leave out texts of which it is not known whether they carry a label."""
    rows = truth != UNKNOWN
    return features[rows], truth[rows]


def boosting(features: sparse.csr_matrix, truth: Array, _: Array) -> Score:
    """Fit gradient-boosted trees on dense features."""
    models = []
    for own in truth.T:
        rows, targets = _known(features, own)
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=SEED)
        models.append(model.fit(rows.toarray(), targets))
    return lambda rows: np.array([model.decision_function(rows.toarray()) for model in models]).T


def chain(features: sparse.csr_matrix, truth: Array, groups: Array) -> Score:
    """Fit a second regression a label on the features and the first regressions' held-out scores (all labels)."""
    inner = _folded(logistic(), features, truth, groups)
    second = logistic()(sparse.hstack([features, sparse.csr_matrix(0.1 * inner)], format="csr"), truth, groups)
    scored = logistic()(features, truth, groups)
    return lambda rows: second(sparse.hstack([rows, sparse.csr_matrix(0.1 * scored(rows))], format="csr"))


def mixed(fits: Sequence[Fit]) -> Fit:
    """Return a fit of core labels mixed as what ships mixes them, from what these learners say of wider questions too.

    Its truth has a column a core label, one a question, and last which texts people really wrote.
    """
    taxonomy = load_taxonomy()
    core = [taxonomy.index[label] for label in taxonomy.core]
    n_labels = len(taxonomy.ids)

    def wide(scores: Sequence[Array]) -> Array:
        """Put scores where :func:`mix` has them: those of labels that are not core stay 0."""
        labels = np.zeros((len(scores[0]), n_labels))
        labels[:, core] = scores[0][:, : len(core)]
        return np.hstack([labels, scores[0][:, len(core) :], *scores[1:]])

    def fit(features: sparse.csr_matrix, truth: Array, groups: Array) -> Score:
        targets, real = truth[:, :-1], truth[:, -1] > 0
        labels = np.full((len(truth), n_labels), UNKNOWN, dtype=np.int8)
        labels[:, core] = targets[:, : len(core)]
        inner = wide([_folded(own, features, targets, groups) for own in fits])
        mixing, constants = mix(inner, labels, labels != UNKNOWN, np.ones(len(truth)), real, core)
        models = [own(features, targets, groups) for own in fits]
        return lambda rows: (wide([model(rows) for model in models]) @ mixing + constants)[:, core]

    return fit


def stacked(widths: Sequence[int], fits: Sequence[Fit]) -> Fit:
    """Return a logistic regression over held-out scores of several models, each on its own columns."""
    bounds = np.concatenate(([0], np.cumsum(widths)))

    def fit(features: sparse.csr_matrix, truth: Array, groups: Array) -> Score:
        parts = [features[:, a:b] for a, b in pairwise(bounds)]
        inner = [_folded(own, part, truth, groups) for own, part in zip(fits, parts, strict=True)]
        outer = logistic(1.0)(sparse.csr_matrix(np.hstack(inner)), truth, groups)
        models = [own(part, truth, groups) for own, part in zip(fits, parts, strict=True)]

        def score(rows: sparse.csr_matrix) -> Array:
            own = [model(rows[:, a:b]) for model, (a, b) in zip(models, pairwise(bounds), strict=True)]
            return outer(sparse.csr_matrix(np.hstack(own)))

        return score

    return fit


def _folded(fit: Fit, features: sparse.csr_matrix, truth: Array, groups: Array) -> Array:
    """Return scores of every text by a model that did not see its group."""
    scores: dict[int, Array] = {}
    for train, test in GroupKFold(FOLDS).split(features, groups=groups):
        scores |= zip(test.tolist(), fit(features[train], truth[train], groups[train])(features[test]), strict=True)
    return np.array([scores[row] for row in range(len(truth))])


@dataclass(frozen=True)
class Variant:
    """Features of all texts and how to fit on them; ``max_of_sentences`` scores texts by their best sentence."""

    features: Callable[[], sparse.csr_matrix]
    fit: Fit
    max_of_sentences: bool = False
    wide: bool = False
    """Fit on answers to wider questions too."""


def variants(own: Material) -> dict[str, Variant]:
    """Return all variants by name."""

    def some(*numbers: int, scale: float = 1.0) -> Callable[[], sparse.csr_matrix]:
        """Return a builder of the shipped views of these numbers beside the lexicon."""

        def build() -> sparse.csr_matrix:
            return sparse.hstack([*(own.views[i] for i in numbers), scale * own.shipped.lexicon], format="csr")

        return build

    shipped = some(0, 1, 2)

    def beside(extra: Callable[[], sparse.csr_matrix]) -> Callable[[], sparse.csr_matrix]:
        return lambda: sparse.hstack([shipped(), extra()], format="csr")

    def by_register() -> sparse.csr_matrix:
        """Shared columns, and a copy of them a register that other registers leave empty (Daumé 2007)."""
        rows, copies = shipped(), []
        names = np.array([*own.registers, *["unseen"] * (len(own.texts) - own.n)])
        for name in sorted(set(own.registers)):
            copies.append(sparse.diags((names == name).astype(np.float32)) @ rows)
        return sparse.hstack([rows, *copies], format="csr")

    svd = 100 + 2 * len(load_taxonomy().ids)
    return {
        "words": Variant(lambda: own.counted(own.words, (1, 1)), logistic()),
        "words and bigrams": Variant(lambda: own.counted(own.words, (1, 2)), logistic()),
        "words, bigrams, skip-grams": Variant(lambda: own.views[0], logistic()),
        "base forms, 1 to 2": Variant(lambda: own.views[1], logistic()),
        "words with assertion status, 1 to 2": Variant(lambda: own.views[2], logistic()),
        "shapes of rare words, 1 to 2": Variant(lambda: own.counted(own.shapes, (1, 2)), logistic()),
        "characters, 2 to 5 within words": Variant(
            lambda: own.counted([[text] for text in own.texts], (2, 5), "char_wb"), logistic()
        ),
        "mean static vectors of word pieces": Variant(lambda: sparse.csr_matrix(own.piece_vectors), logistic()),
        "frozen MiniLM sentence embeddings": Variant(lambda: sparse.csr_matrix(own.embeddings), logistic()),
        "lexicon matches alone": Variant(lambda: own.shipped.lexicon, logistic()),
        "features as shipped: words, base forms, asserted words, lexicon x .1": Variant(shipped, logistic()),
        "features without base forms": Variant(some(0, 2), logistic()),
        "features without asserted words": Variant(some(0, 1), logistic()),
        "features without either": Variant(some(0), logistic()),
        "features without the lexicon": Variant(lambda: sparse.hstack(own.views, format="csr"), logistic()),
        "features, lexicon x 1": Variant(some(0, 1, 2, scale=10.0), logistic()),
        "features + characters": Variant(
            beside(lambda: own.counted([[text] for text in own.texts], (2, 5), "char_wb")), logistic()
        ),
        "features + shapes of rare words": Variant(beside(lambda: own.counted(own.shapes, (1, 2))), logistic()),
        "features + static vectors": Variant(beside(lambda: sparse.csr_matrix(own.piece_vectors)), logistic()),
        "features, balanced classes": Variant(shipped, linear(balanced)),
        "features, C = 3": Variant(shipped, logistic(3.0)),
        "features, labels smoothed by .03": Variant(shipped, smoothed(0.03)),
        "features, linear support vectors": Variant(shipped, linear(linear_svm())),
        "features, naive Bayes": Variant(shipped, linear(naive_bayes())),
        "features, mixed from regressions for all core labels and wider questions": Variant(
            shipped, mixed([logistic()]), wide=True
        ),
        "**shipped: mixed from regressions, support vectors and naive Bayes for these**": Variant(
            shipped, mixed([logistic(), linear(linear_svm()), linear(naive_bayes())]), wide=True
        ),
        "features, chained on other labels' scores": Variant(shipped, chain),
        "features, highest sentence": Variant(shipped, logistic(), max_of_sentences=True),
        "features, with columns of each register": Variant(by_register, logistic()),
        "gradient boosting on 100 directions and lexicon": Variant(lambda: own.dense, boosting),
        "stacked: features, naive Bayes, boosting": Variant(
            lambda: sparse.hstack([shipped(), shipped(), own.dense], format="csr"),
            stacked([own.model.featurizer.width] * 2 + [svd], [logistic(), linear(naive_bayes()), boosting]),
        ),
    }


def measure(own: Material, variant: Variant) -> list[float]:
    """Return average precision: authored held out (nan if not measured); target over all labels, types, signs."""
    features = variant.features().tocsr().astype(np.float32)
    features.sum_duplicates()  # here, since the processes that fit may only read it
    train, authored = features[: own.n], slice(0, own.n_authored)
    result = [float("nan")]
    truth = own.wide if variant.wide else own.truth
    if not variant.max_of_sentences:
        held = _folded(variant.fit, train, truth, own.groups)
        result = [np.mean(precision(own.truth[authored], held[authored]))]
    if len(own.target_truth):
        score = variant.fit(train, truth, own.groups)
        if variant.max_of_sentences:
            windows, owner = own.sentences()
            rows = np.flatnonzero(owner >= own.n)
            found = score(own.model.featurizer.transform(windows[rows]))
            each = precision(own.target_truth, pooled(found, owner[rows] - own.n, len(own.target_truth)))
        else:
            each = precision(own.target_truth, score(features[own.n :]))
        n_types = len(load_taxonomy().group("types"))
        result += [np.mean(each), np.mean(each[:n_types]), np.mean(each[n_types:])]
    return [float(number) for number in result]


def precision(truth: Array, scores: Array) -> list[float]:
    """Return average precision of each column, over the texts of which it is known."""
    return [
        average_precision_score(own[rows], scores[rows, label])
        for label, own in enumerate(truth.T)
        for rows in [own != UNKNOWN]
    ]


def table(own: Material, chosen: Sequence[str]) -> Iterator[str]:
    """Yield lines of Markdown, one variant at a time."""
    transfer = ["transfer", "types", "signs"] if len(own.target_truth) else []
    yield "| variant | " + " | ".join(["held-out authors", *transfer]) + " | seconds |"
    yield "|---" * (3 + len(transfer)) + "|"
    for name, variant in variants(own).items():
        if chosen and name not in chosen:
            continue
        began = time.perf_counter()
        numbers = measure(own, variant)
        figures = " | ".join("" if np.isnan(number) else f"{number:.3f}".lstrip("0") for number in numbers)
        yield f"| {name} | {figures} | {time.perf_counter() - began:.0f} |"


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, help="folder with passages.csv")
    parser.add_argument("--data", type=Path, help="labelled CSV to transfer to")
    parser.add_argument("--only", nargs="+", default=[], help="names of variants")
    given = parser.parse_args()
    own = Material(given.public, given.data)
    lines = []
    for line in table(own, given.only):
        print(line, flush=True)
        lines.append(line)
    if not given.only:
        told = f"Fitted on {own.what}, transferred to {len(own.target_truth)} texts never trained on."
        put_section("Features and models", "FEATURES", "\n".join([told, "", *lines]))


if __name__ == "__main__":
    main()
