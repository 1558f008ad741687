"""A labelled table to everything that a report shows: tables of numbers, and passages. Draws nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from disconnect_nlp.labellers.frames import PREFIX
from disconnect_nlp.reports.compare import MIN_GROUP, People, adjust, by_group, difference, shares, together
from disconnect_nlp.reports.correction import Rates, correct
from disconnect_nlp.reports.passages import Passage
from disconnect_nlp.reports.people import trajectories
from disconnect_nlp.reports.rows import rows
from disconnect_nlp.reports.scan import Codes, Columns, Scan, scan_table
from disconnect_nlp.reports.times import parse_times, period_name, periods_of
from disconnect_nlp.tables import TableReader
from disconnect_nlp.taxonomy import load_taxonomy

Array = np.ndarray

MAX_EXAMPLES = 8
_TERMS = 12  # words and phrases shown a label


@dataclass
class ReportData:
    """Everything a report shows. Every number that is drawn or printed stands in one of :attr:`tables`."""

    name: str
    labels: tuple[str, ...]
    n_rows: int
    n_texts: int
    """Labelled texts, or sentences: whatever a row is."""
    statuses: Counter[str]
    tables: dict[str, pd.DataFrame]
    """``overview``, ``prevalence``, ``together``, ``time``, ``change``, ``groups``, ``people``, ``words``.

    Empty where they were not asked for.
    """
    passages: list[Passage] = field(default_factory=list)
    columns: Columns = field(default_factory=Columns)
    period_unit: str = ""
    undated: int = 0
    n_persons: int = 0
    ticks: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Of persons in ``people``: when they wrote (under ""), and when with each label, in days since 1970."""
    manifest: Mapping[str, Any] | None = None
    correction: str = ""
    """Where the error rates come from, or why there are none."""
    corrected: bool = False
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.tables[table]

    @property
    def unit(self) -> str:
        """What a row is."""
        return "sentence" if self.columns.sentences else "text"

    @property
    def units(self) -> str:
        """The same, of several."""
        return self.unit + "s"


def summarise(
    reader: TableReader,
    *,
    text_column: str | None,
    time_column: str | None = None,
    group_columns: Sequence[str] = (),
    person_column: str | None = None,
    id_column: str | None = None,
    prefix: str = PREFIX,
    sentences: bool = False,
    whole_column: str | None = None,
    name: str = "table",
    max_examples: int = MAX_EXAMPLES,
    rates: Mapping[str, Rates] | None = None,
    correction: str = "not available: no error rates were given",
    manifest: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> ReportData:
    """Read a labelled table once and count.

    Parameters
    ----------
    text_column
        Where the texts stand, or the sentences, for passages and words; None leaves both out.
    time_column, group_columns, person_column, id_column
        Dates; groups to compare, such as site or wave; who wrote; what a row is called. Where persons are known and at
        least ten, intervals draw persons, not texts.
    sentences
        Whether every row is a sentence, as ``label --sentences`` writes them: then sentences are shown and counted, and
        intervals draw texts where no persons are known.
    whole_column
        Of sentences, where the texts stand that they were taken from: that tells which sentences are of one text, as
        ``id_column`` does where it is None, in whatever order the table is.
    max_examples
        Passages kept a label: half of the highest score, half drawn at random; and half as many uncertain ones.
    rates, correction
        Error rates of the labeller, and in words where they were measured or why there are none.
    manifest
        What is known of the run that labelled the table.
    seed
        Seed of every draw; equal tables and seeds give equal reports.

    Raises
    ------
    DataError
        If the table was not written by ``label``, a named column is missing, or dates cannot be read.
    """
    columns = Columns(
        text_column, time_column, tuple(group_columns), person_column, id_column, prefix, sentences, whole_column
    )
    scan = scan_table(reader, columns, name=name, max_examples=max_examples, seed=seed)
    data = ReportData(
        name=name,
        labels=scan.labels,
        n_rows=scan.n_rows,
        n_texts=scan.n_texts,
        statuses=scan.statuses,
        tables={},
        passages=scan.passages,
        columns=columns,
        manifest=manifest,
        correction=correction,
        notes=scan.notes,
    )
    people = _people(data, scan)
    effect = _design_effect(scan, people)
    data.tables["prevalence"] = _prevalence(scan, people, effect, rates or {}, seed)
    data.corrected = bool(data["prevalence"]["corrected"].notna().any())
    data.tables["overview"] = _overview(scan, effect)
    data.tables["together"] = together(scan.given, scan.labels)
    data.tables["groups"] = _groups(data, scan, people, seed)
    stamps = _stamps(data, scan)
    data.tables["time"], data.tables["change"] = _times(data, scan, stamps, people, effect, seed)
    data.tables["people"] = _trajectories(data, scan, stamps, seed)
    data.tables["words"] = scan.words.marking(scan.labels, most=_TERMS) if scan.words else pd.DataFrame()
    return data


def _people(data: ReportData, scan: Scan) -> People:
    """Return what intervals draw: persons; or texts, where a row is a sentence; or nothing but the rows themselves."""
    data.n_persons = len(scan.persons.names)
    kinds = [("persons", scan.persons)] if data.columns.person else []
    kinds += [("texts", scan.sources)] if data.columns.sentences else []
    found, reasons = People(None, 0, data.units), []
    for drawn, known in kinds:
        people = People(known.codes, len(known.names), drawn)
        if (known.codes < 0).any():
            reasons.append(_unknown(data, drawn, int((known.codes < 0).sum())))
        elif scan.n_texts and people.clusters(scan.given) is None:
            reasons.append(f"{len(known.names)} {drawn} are too few to draw from")
        else:
            found = people
            break
    if reasons:
        data.notes.append(f"{'; '.join(reasons)}, so intervals take {found.drawn} as independent.")
    return found


def _unknown(data: ReportData, drawn: str, n: int) -> str:
    if drawn == "persons":
        return f"{n} {data.units} name no person"
    if data.columns.whole:
        return f"{n} {data.units} do not stand in the text beside them ({data.columns.whole})"
    return f"{n} {data.units} name no text they stand in (name a column of the texts' ids with --id)"


def _design_effect(scan: Scan, people: People) -> Array:
    clusters = people.clusters(scan.given) if scan.n_texts else None
    return np.ones(len(scan.labels)) if clusters is None else clusters.design_effect()


def _prevalence(scan: Scan, people: People, effect: Array, rates: Mapping[str, Rates], seed: int) -> pd.DataFrame:
    taxonomy = load_taxonomy()
    frame = shares(scan.given, np.ones(scan.n_texts, dtype=bool), scan.labels)
    clusters = people.clusters(scan.given) if scan.n_texts else None
    frame["interval"] = people.drawn
    if clusters is not None:
        frame["low"], frame["high"] = clusters.share_intervals(seed=seed)
    frame["uncertain"] = [scan.uncertain[label] for label in scan.labels]
    frame["group"] = [taxonomy[label].group for label in scan.labels]
    frame["quality"] = [taxonomy[label].quality for label in scan.labels]
    found = [
        correct(row.given / e, row.texts / e, rates[row.label], seed=seed)
        if row.label in rates and row.label not in taxonomy.recall_first
        else None
        for row, e in zip(rows(frame), effect, strict=True)
    ]
    for name, attribute in (("corrected", "share"), ("corrected_low", "low"), ("corrected_high", "high")):
        frame[name] = [np.nan if one is None else getattr(one, attribute) for one in found]
    return frame


def _overview(scan: Scan, effect: Array) -> pd.DataFrame:
    """Count texts with any label of each group of the taxonomy."""
    taxonomy = load_taxonomy()
    frames = []
    for group in taxonomy.groups:
        own = [n for n, label in enumerate(scan.labels) if label in taxonomy.group(group.id)]
        if own:
            some = scan.given[:, own].max(axis=1, initial=0)[:, None]
            widest = effect[own].max(keepdims=True)
            frames.append(shares(some, np.ones(scan.n_texts, dtype=bool), [group.id], widest))
    return pd.concat(frames, ignore_index=True).rename(columns={"label": "group"})


def _groups(data: ReportData, scan: Scan, people: People, seed: int) -> pd.DataFrame:
    frames = []
    for column, codes in scan.groups.items():
        if not codes.names:
            continue
        frames.append(by_group(scan.given, codes.codes, codes.names, column, scan.labels, people, seed=seed))
        _say_of_groups(data, column, codes)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _say_of_groups(data: ReportData, column: str, codes: Codes) -> None:
    sizes = np.bincount(codes.codes[codes.codes >= 0], minlength=len(codes.names))
    small, none = int((sizes < MIN_GROUP).sum()), int((codes.codes < 0).sum())
    if none:
        data.notes.append(f"{none} {data.units} name no {column} and are left out of that comparison.")
    if small:
        data.notes.append(
            f"{small} of {len(sizes)} groups in {column} have fewer than {MIN_GROUP} {data.units}: not compared."
        )


def _stamps(data: ReportData, scan: Scan) -> pd.Series[pd.Timestamp] | None:
    if not data.columns.time or not scan.n_texts:
        return None
    stamps = parse_times(scan.times, data.columns.time)
    data.undated = int(stamps.isna().sum())
    return stamps


def _times(
    data: ReportData,
    scan: Scan,
    stamps: pd.Series[pd.Timestamp] | None,
    people: People,
    effect: Array,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if stamps is None:
        return pd.DataFrame(), pd.DataFrame()
    periods, place, data.period_unit = periods_of(stamps)
    frames = []
    for number, period in enumerate(periods):
        frame = shares(scan.given, place == number, scan.labels, effect)
        frame.insert(0, "period", period_name(period, data.period_unit))
        frame.insert(0, "start", period.start_time.date().isoformat())
        frames.append(frame)
    return pd.concat(frames, ignore_index=True), _early_and_late(scan, stamps, people, seed)


def _early_and_late(scan: Scan, stamps: pd.Series[pd.Timestamp], people: People, seed: int) -> pd.DataFrame:
    """Compare the half of the texts that came last with the half that came first, cut between two days."""
    known = stamps.notna().to_numpy()
    days = stamps.dt.normalize()
    middle = days[known].sort_values().iloc[int(known.sum()) // 2]
    early, late = known & (days < middle).to_numpy(), known & (days >= middle).to_numpy()
    if min(early.sum(), late.sum()) < MIN_GROUP:
        return pd.DataFrame()
    frame = adjust(difference(scan.given, late, early, scan.labels, people, seed=seed))
    for name, mask in (("early", early), ("late", late)):
        own = shares(scan.given, mask, scan.labels)
        frame[f"texts_{name}"], frame[f"share_{name}"] = own["texts"], own["share"]
    frame["late_from"] = middle.date().isoformat()
    return frame


def _trajectories(data: ReportData, scan: Scan, stamps: pd.Series[pd.Timestamp] | None, seed: int) -> pd.DataFrame:
    if stamps is None or not data.columns.person:
        return pd.DataFrame()
    core = [n for n, label in enumerate(scan.labels) if label in load_taxonomy().core]
    names = [scan.labels[n] for n in core]
    seconds = (stamps - pd.Timestamp(0)).dt.total_seconds().fillna(-np.inf).to_numpy()
    days = np.where(np.isfinite(seconds), seconds / 86400, np.nan)
    first = np.nanmin(days)
    order = np.where(np.isnan(days), -1.0, days - first)  # days since the first text, so that none is negative
    given, persons = scan.given[:, core], scan.persons.codes
    frame = trajectories(given, order, persons, scan.persons.names, names, seed=seed)
    for person in dict.fromkeys(frame["person"]):
        own = (persons == scan.persons.names.index(person)) & (order >= 0)
        data.ticks[person] = {"": sorted((order[own] + first).tolist())} | {
            label: sorted((order[own & (given[:, n] > 0)] + first).tolist()) for n, label in enumerate(names)
        }
    for column in ("first", "last", "change_at"):
        frame[column] = [
            None if pd.isna(day) else (pd.Timestamp(0) + pd.Timedelta(days=day + first)).date().isoformat()
            for day in frame[column].astype(float)
        ]
    return frame
