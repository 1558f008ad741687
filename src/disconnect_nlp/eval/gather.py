"""From what a user names on the command line to predictions of every system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.dictionaries import DictionaryLabeller, read_dictionary
from disconnect_nlp.eval.rivals.choose import check_rival, fit_rival
from disconnect_nlp.eval.systems import TRIVIAL, Predictions, predict, read_predictions, trivial
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.store.catalogue import load

MODEL, LEXICON = "model", "lexicon"
Says = Callable[[Dataset], Predictions]


@dataclass(frozen=True)
class Wanted:
    """Systems to evaluate beside the model and the lexicon."""

    model: str = "default"
    models: Sequence[str] = ()
    predictions: Sequence[Path] = ()
    dictionaries: Sequence[Path] = ()
    categories: Sequence[str] = ()
    """``CATEGORY=LABEL`` for the dictionaries."""
    trivial: bool = False
    rivals: Sequence[str] = ()
    public: Path | None = None
    """Folder of the public passages that rivals train on too."""
    subject: str = MODEL
    """Name of the system that gates, slices and comparisons are about."""
    readers: Sequence[str] = ()
    """Columns of readers, who are compared with the systems by name."""


def check_wanted(wanted: Wanted) -> None:
    """Refuse what cannot work before any time is spent."""
    for name in wanted.rivals:
        check_rival(name)
    for path in (*wanted.predictions, *wanted.dictionaries):
        if not path.is_file():
            raise DataError(f"{path}: no such file.")
    _labels_of(wanted.categories)
    names = _names(wanted)
    if wanted.subject not in names:
        raise DataError(f"--subject {wanted.subject!r}: no such system here. There are: {', '.join(names)}.")


def _names(wanted: Wanted) -> list[str]:
    """Return the names of all systems; refuse one for two: in the results one would silently stand for the other."""
    named = [
        *(("--system", name, name) for name in wanted.models),
        *(("--dictionary", path, path.stem) for path in wanted.dictionaries),
        *(("--predictions", path, path.name) for path in wanted.predictions),
        *(("--rival", name, _rival_name(name)) for name in wanted.rivals),
        *(("--readers", name, name) for name in wanted.readers),
    ]
    taken = dict.fromkeys((MODEL, LEXICON, *TRIVIAL), "of the evaluation itself")
    for option, source, name in named:
        if name in taken:
            raise DataError(
                f"{option} {source}: the name {name!r} is taken, it is that {taken[name]}. Systems are told apart by "
                "name, a file's is its own without the folder: rename it, or leave out what stands there twice."
            )
        taken[name] = f"of {option} {source}"
    left_out = {*wanted.readers, *(() if wanted.trivial else TRIVIAL)}
    return [name for name in taken if name not in left_out]


def gather(wanted: Wanted) -> dict[str, Says]:
    """Return what each system says, by name, as functions of the data; the subject comes first.

    A system that reads texts can be asked about any; a file of predictions knows the data it was made for only.
    """
    named = {MODEL: wanted.model, LEXICON: "lexicon", **{name: name for name in wanted.models}}
    loaded = {name: load(name) for name in dict.fromkeys(named.values())}
    systems: dict[str, Says] = {key: _labeller(loaded[name]) for key, name in named.items()}
    labels_of = _labels_of(wanted.categories)
    for path in wanted.dictionaries:
        systems[path.stem] = _dictionary(path, labels_of)
    for path in wanted.predictions:
        systems[path.name] = lambda data, path=path: read_predictions(path, data)  # type: ignore[misc]
    for name in wanted.rivals:
        systems[_rival_name(name)] = _rival(name, wanted.public)
    for name in TRIVIAL if wanted.trivial else ():
        systems[name] = lambda data, name=name: trivial(name, data)  # type: ignore[misc]
    return {wanted.subject: systems[wanted.subject]} | systems


def reads_texts(name: str, wanted: Wanted) -> bool:
    """Whether a gathered system can be asked about texts other than the data."""
    return name not in {path.name for path in wanted.predictions} | set(TRIVIAL)


def _labeller(labeller: Labeller) -> Says:
    return lambda data: predict(labeller, data)


def _dictionary(path: Path, labels_of: dict[str, str]) -> Says:
    dictionary = read_dictionary(path)
    own = {name: label for name, label in labels_of.items() if name.lower() in map(str.lower, dictionary.categories)}
    labeller = DictionaryLabeller(dictionary, own)
    return lambda data: predict(labeller, data)


def _rival_name(name: str) -> str:
    return f"rival: {name}"


def _rival(name: str, public: Path | None) -> Says:
    fitted: list[object] = []

    def says(data: Dataset) -> Predictions:
        if not fitted:  # minutes of training: only once, and only when its turn comes
            fitted.append(fit_rival(name, public=public))
        return predict(fitted[0], data)

    return says


def _labels_of(specs: Sequence[str]) -> dict[str, str]:
    pairs = [spec.partition("=") for spec in specs]
    for spec, (category, _, label) in zip(specs, pairs, strict=True):
        if not category or not label:
            raise DataError(f"--map {spec!r}: give CATEGORY=LABEL, such as isolation=loneliness.")
    return {category: label for category, _, label in pairs}
