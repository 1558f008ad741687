"""``python -m disconnect_nlp.eval`` as users and build servers run it."""

from __future__ import annotations

import copy
import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from disconnect_nlp.errors import DataError, DisconnectError
from disconnect_nlp.eval.__main__ import app
from disconnect_nlp.eval.datasets import Dataset, shipped_test
from disconnect_nlp.eval.junit import junit_xml
from disconnect_nlp.eval.page import evaluation_page
from disconnect_nlp.eval.render import markdown_report
from disconnect_nlp.eval.run import Predictions, evaluate
from disconnect_nlp.eval.systems import predict
from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.store.classifier import save

SECRET = "Marbletown"  # stands in every evaluated text and must appear in no output
ROWS = [
    ("I feel numb.", "numbness"),
    ("Nice soup.", ""),
    ("I feel empty and numb.", "numbness"),
    ("My brother feels numb.", ""),
] * 6


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch, default_model, lexicon_labeller):
    """The shipped models are loaded once for all runs in this process."""
    shipped = {"default": default_model, "lexicon": lexicon_labeller}
    monkeypatch.setattr("disconnect_nlp.store.catalogue.load", shipped.__getitem__)
    monkeypatch.setattr("disconnect_nlp.eval.gather.load", shipped.__getitem__)


@pytest.fixture
def users_file(tmp_path):
    path = tmp_path / "a.csv"
    lines = ["body,tags,site,near,r1,r2"]
    for number, (text, tags) in enumerate(ROWS):
        near = "numbness:other" if "brother" in text else ""
        lines.append(f"{text} {SECRET}.,{tags},{'north' if number % 3 else 'south'},{near},{tags},{tags}")
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments) -> tuple[int, str]:
    """Run the command in this process; an expected error is raised."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def options(users_file):
    return ["--data", users_file, "--text-column", "body", "--labels-column", "tags", "--labels", "numbness,civic",
            "--samples", "20", "--model", "lexicon"]  # fmt: skip


def test_the_command_evaluates_a_users_file(tmp_path, users_file):
    out, table = tmp_path / "out.json", tmp_path / "out.md"
    command = [sys.executable, "-m", "disconnect_nlp.eval", "--data", users_file, "--text-column", "body",
               "--labels-column", "tags", "--labels", "numbness,civic", "--json", out, "--markdown", table,
               "--samples", "20"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert list(results["systems"]) == ["model", "lexicon"]
    assert results["systems"]["lexicon"]["labels"]["numbness"]["f1"] == 1
    assert results["systems"]["model"]["labels"]["civic"]["f1"] is None
    assert results["model"] == "default"
    assert "macro average" in done.stdout
    assert "| `numbness` | 12 |" in table.read_text()
    assert done.stderr == ""  # no progress bar where there is no terminal
    wrong = subprocess.run([*map(str, command[:3]), "--model", "best"], capture_output=True, text=True, timeout=600)
    assert wrong.returncode == 2
    assert "no model 'best'" in wrong.stderr


def test_every_kind_of_system_and_output_in_one_run_without_a_word_of_the_texts(tmp_path, options):
    dictionary, said = tmp_path / "mine.dic", tmp_path / "other.csv"
    dictionary.write_text("%\n1\tflat\n%\nnumb\t1\n")
    said.write_text("numbness\n" + "\n".join("1" if tags else "0" for _, tags in ROWS) + "\n")
    paths = {name: tmp_path / f"out.{name}" for name in ("json", "markdown", "html", "junit")}
    code, output = run(
        *options, "--dictionary", dictionary, "--map", "flat=numbness", "--predictions", said, "--trivial", "--system",
        "default", "--readers", "r1,r2", "--slice", "site", "--slice", "length", "--min-n", "5", "--behaviour",
        *(part for name, path in paths.items() for part in (f"--{name}", path)),
    )  # fmt: skip
    assert code == 0, output
    results = json.loads(paths["json"].read_text())
    assert list(results["systems"]) == [
        "model",
        "lexicon",
        "default",
        "mine",
        "other.csv",
        "nothing",
        "everything",
        "prior",
    ]
    assert results["systems"]["other.csv"]["labels"]["numbness"]["f1"] == 1
    assert results["systems"]["other.csv"]["labels"]["numbness"]["average_precision"] is None
    assert results["systems"]["other.csv"]["labels"]["civic"]["precision"] is None
    assert results["systems"]["mine"]["labels"]["numbness"]["f1"] == pytest.approx(0.8)  # it knows no brother
    assert results["comparisons"][0]["systems"] == ["model", "lexicon"]
    assert results["agreement"][0]["raters"] == ["r1", "r2"]
    assert {row["value"] for row in results["slices"]["model"]} == {"north", "south", "up to 20 words"}
    assert results["near_misses"]["model"][0]["reason"] == "other"
    assert set(results["behaviour"]) == {"model", "lexicon", "default", "mine"}  # a file of predictions reads no texts
    for name, path in paths.items():
        content = path.read_text()
        assert SECRET not in content, name
    assert SECRET not in output
    page = paths["html"].read_text()
    assert page.count("<svg") >= 9
    assert "://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)  # nothing is fetched
    assert len(set(re.findall(r'\bid="([^"]+)"', page))) == len(re.findall(r'\bid="([^"]+)"', page))
    suites = ElementTree.parse(paths["junit"]).getroot()
    assert {suite.get("name") for suite in suites} == {f"behaviour.{name}" for name in results["behaviour"]}
    assert not list(tmp_path.glob(".*.unfinished"))


def test_the_same_seed_gives_the_same_bytes(tmp_path, options):
    first, again, other = (tmp_path / f"{name}.json" for name in "abc")
    for path, seed in ((first, 1), (again, 1), (other, 2)):
        run(*options, "--json", path, "--html", path.with_suffix(".html"), "--seed", seed)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert first.with_suffix(".html").read_bytes() == again.with_suffix(".html").read_bytes()


def test_gates_decide_the_exit_code_and_are_told(tmp_path, options):
    junit = tmp_path / "a.xml"
    code, output = run(*options, "--fail-under", "numbness.f1=.9", "--fail-over", "mean_brier=.5", "--junit", junit)
    assert code == 0
    assert "ok: --fail-under numbness.f1=.9: numbness.f1 is 1, the limit is 0.9" in output
    code, output = run(*options, "--fail-under", "civic.f1=.1", "--junit", junit)
    assert code == 1
    assert "FAILED: --fail-under civic.f1=.1: civic.f1 is undefined" in output  # nothing was shown
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


@pytest.mark.parametrize("command", [[], ["benchmark", "irf", "--data", "."], ["curve"]])
@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_no_generator_takes_is_refused(command, seed):
    done = CliRunner().invoke(app, [*command, "--seed", str(seed)])
    assert done.exit_code == 2
    assert "--seed" in done.output


@pytest.mark.parametrize("command", [["--behaviour", "--behaviour-fail-over"], ["behaviour", "--fail-over"]])
@pytest.mark.parametrize("rate", ["nan", "20", "-0.1", "inf", "a tenth"])
def test_a_failure_rate_that_would_let_everything_pass_is_refused(command, rate):
    done = CliRunner().invoke(app, [*command, rate])
    assert done.exit_code == 2
    assert f"'{rate}' is no number from 0 to 1" in " ".join(done.output.replace("│", " ").split())


def untouched(*_, **__):
    raise AssertionError("work was done before the options were checked")


def table(path: Path, header: str, rows) -> Path:
    path.write_text("\n".join([header, *map(str, rows)]) + "\n")
    return path


RIGHT = [int(bool(tags)) for _, tags in ROWS]


@pytest.mark.parametrize("name", ["model", "lexicon", "prior", "mine.csv"])
def test_no_system_takes_the_place_of_another_of_its_name(tmp_path, options, name):
    said = table(tmp_path / name, "numbness", RIGHT)
    (tmp_path / "other").mkdir()
    again = table(tmp_path / "other" / name, "numbness", RIGHT)
    words = tmp_path / f"{name}.dic"
    words.write_text("%\n1\tnumbness\n%\nnumb\t1\n")
    with pytest.raises(DataError, match=f"the name '{name}' is taken"):
        run(*options, "--predictions", said, "--predictions", again)
    with pytest.raises(DataError, match=f"the name '{name}' is taken"):
        run(*options, "--dictionary", words, "--predictions", said)


def test_gates_slices_and_comparisons_are_about_any_system_that_is_chosen(tmp_path, options):
    wrong, right = (table(tmp_path / name, "numbness,numbness_score,civic_score", rows) for name, rows in (
        ("wrong.csv", [f"{1 - own},{(1 - own) * 0.8},.1" for own in RIGHT]),
        ("right.csv", [f"{own},{own * 0.8},.1" for own in RIGHT]),
    ))  # fmt: skip
    both, out = ["--predictions", wrong, "--predictions", right, "--slice", "site"], tmp_path / "out.json"
    gate = ["--fail-under", "numbness.f1=.5", "--min-n", "2"]
    page = tmp_path / "out.html"
    code, output = run(*options, *both, "--subject", "right.csv", *gate, "--json", out, "--html", page)
    assert code == 0, output
    results = json.loads(out.read_text())
    assert results["subject"] == "right.csv"
    assert "<h1>Evaluation of right.csv on a.csv</h1>" in page.read_text()
    assert list(results["systems"]) == ["right.csv", "model", "lexicon", "wrong.csv"]
    assert list(results["slices"]) == list(results["near_misses"]) == ["right.csv"]
    assert {row["micro_f1"] for row in results["slices"]["right.csv"]} == {1}
    assert [pair["systems"][0] for pair in results["comparisons"]] == ["right.csv"] * 3
    assert results["comparisons"][-1]["macro_f1"]["difference"] == 1
    code, output = run(*options, *both, "--subject", "wrong.csv", *gate, "--baseline", out)
    assert code == 1
    assert "FAILED: --fail-under numbness.f1=.5: numbness.f1 is 0" in output
    assert "FAILED: --baseline macro_f1: macro_f1 was 1, is 0; difference -1.000 to -1.000" in output


def test_a_figure_that_is_gone_or_covers_less_does_not_pass_the_baseline(tmp_path, options):
    before = tmp_path / "before.json"
    scored = table(tmp_path / "scored.csv", "numbness_score,civic_score", [f"{own * 0.9},.1" for own in RIGHT])
    run(*options, "--predictions", scored, "--subject", "scored.csv", "--json", before)
    decided = table(tmp_path / "decided.csv", "numbness,civic", [f"{own},0" for own in RIGHT])
    code, output = run(*options, "--predictions", decided, "--subject", "decided.csv", "--baseline", before)
    assert code == 1
    assert "ok: --baseline macro_f1" in output
    assert re.search(r"FAILED: --baseline macro_ap: macro_ap was \S+, is undefined", output)
    assert re.search(r"FAILED: --baseline mean_ece: mean_ece was \S+, is undefined", output)
    fewer = table(tmp_path / "fewer.csv", "numbness_score", [own * 0.9 for own in RIGHT])
    code, output = run(*options, "--predictions", fewer, "--subject", "fewer.csv", "--baseline", before)
    assert code == 1
    assert "FAILED: --baseline labels: 1 labels covered, before 2; no longer civic" in output
    half = table(tmp_path / "half.csv", "numbness_score,civic", [f"{own * 0.9},0" for own in RIGHT])
    code, output = run(*options, "--predictions", half, "--subject", "half.csv", "--baseline", before)
    assert code == 1
    assert "ok: --baseline labels" in output
    assert re.search("FAILED: --baseline mean_brier: .*; no longer civic", output)
    code, output = run(*options, "--predictions", scored, "--subject", "scored.csv", "--baseline", before)
    assert code == 0, output


def test_a_label_that_is_new_neither_hides_a_loss_nor_looks_like_one(tmp_path, options):
    rows = [f"{SECRET},{own or 'civic'},a{number}" for number, (_, own) in enumerate(ROWS)]
    data = ["--data", table(tmp_path / "two.csv", "body,tags,author", rows)]
    numb, not_numb = [(own, own * 0.9) for own in RIGHT], [(1 - own, 0.9 - own * 0.9) for own in RIGHT]

    def said(name: str, **own: list[tuple[float, float]]) -> list[object]:
        header = ",".join(f"{label},{label}_score" for label in own)
        cells = [",".join(f"{decided},{score}" for decided, score in row) for row in zip(*own.values(), strict=True)]
        return [*data, "--predictions", table(tmp_path / name, header, cells), "--subject", name]

    before = tmp_path / "before.json"
    run(*options, *said("numbness.csv", numbness=numb), "--json", before)
    poor = said("poor.csv", numbness=numb, civic=numb)  # numbness as before, civic all wrong
    code, output = run(*options, *poor, "--baseline", before)
    assert code == 0, output
    assert "ok: --baseline labels: 2 labels covered, before 1; new civic" in output
    told = "ok: --baseline macro_f1: macro_f1 was 1, is 1; difference +0.000 to +0.000 (95 %); not counted, for they"
    assert told in output
    run(*options, *said("civic.csv", civic=not_numb), "--json", before)
    worse = said("worse.csv", numbness=numb, civic=numb)  # civic all wrong now, numbness perfect
    code, output = run(*options, *worse, "--baseline", before)
    assert code == 1
    assert output.count("FAILED: ") == 5
    assert "FAILED: --baseline macro_f1: macro_f1 was 1, is 0; difference -1.000 to -1.000 (95 %)" in output


def test_averages_over_other_labels_are_marked_with_their_number(tmp_path, options):
    rows = [f"{SECRET},{own or 'civic'},a{number}" for number, (_, own) in enumerate(ROWS)]
    data = table(tmp_path / "two.csv", "body,tags,author", rows)
    fewer = table(tmp_path / "fewer.csv", "numbness,numbness_score", [f"{own},{own * 0.9}" for own in RIGHT])
    out = tmp_path / "out.json"
    code, output = run(*options, "--data", data, "--predictions", fewer, "--json", out)
    assert code == 0
    over = {name: own["averaged_over"] for name, own in json.loads(out.read_text())["systems"].items()}
    assert (over["lexicon"]["macro_f1"], over["fewer.csv"]["macro_f1"]) == (2, 1)
    (line,) = [line for line in output.splitlines() if "macro F1" in line and "1.000 (1*)" in line]
    assert re.search(r"macro F1\W+2\W", line)
    assert "averaged over n other labels than the first" in output
    assert re.search(r"macro average\W+1 label\W", output)
    assert "(1*)" not in run(*options, "--data", data)[1]


def test_a_subject_that_knows_none_of_the_labels_is_refused_and_another_system_has_dashes(tmp_path, options):
    said = table(tmp_path / "said.csv", "numbness", RIGHT)
    alone = [*options, "--labels", "civic", "--predictions", said]
    with pytest.raises(DataError, match=r"--subject 'said.csv' knows none of --labels. It knows: numbness\."):
        run(*alone, "--subject", "said.csv", "--fail-under", "set_accuracy=.9")
    code, output = run(*alone, "--html", tmp_path / "a.html")
    assert code == 0
    (line,) = [line for line in output.splitlines() if "whole sets right" in line]
    assert [cell.strip() for cell in re.split("[│┃]", line)[3:-1]] == ["1.000", "1.000", "–"]


def test_few_groups_are_told_in_the_comparison(tmp_path, options):
    code, output = run(*options, "--group-column", "site")
    assert code == 0
    told = " ".join(output.split())
    assert "With 2 groups there is no interval, and no difference can have a p below 0.5." in told
    assert "there is no interval" not in run(*options)[1]


def test_behaviour_gates_the_main_command(tmp_path, options):
    junit = tmp_path / "a.xml"
    code, output = run(*options, "--behaviour", "--behaviour-fail-over", ".5", "--junit", junit)
    assert code == 1
    assert "ok: --behaviour-fail-over plain_numbness: failure rate is" in output
    assert "FAILED: --behaviour-fail-over" in output
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("name"), suite.get("tests")) == ("gates", "38")
    said = table(tmp_path / "said.csv", "numbness", RIGHT)
    with pytest.raises(DataError, match="a --subject that reads texts"):
        run(*options, "--behaviour", "--behaviour-fail-over", ".5", "--predictions", said, "--subject", "said.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-under", "macro_f1=nan"], "give METRIC=NUMBER"),
        (["--system", "lexicon"], "--system lexicon: the name 'lexicon' is taken, it is that of the evaluation itself"),
        (["--subject", "mine"], "--subject 'mine': no such system here. There are: model, lexicon."),
        (["--subject", "prior"], "--subject 'prior': no such system here"),
        (["--readers", "r1,model"], "--readers model: the name 'model' is taken"),
        (["--behaviour-fail-over", ".1"], "--behaviour-fail-over needs --behaviour"),
        (["--fail-under", "macro_f1"], "give METRIC=NUMBER or LABEL.METRIC=NUMBER"),
        (["--fail-under", "accuracy=.5"], "no metric 'accuracy'. Metrics: macro_f1,"),
        (["--fail-under", "scale.f1=.5"], "no label 'scale' here. Labels: numbness, civic"),
        (["--map", "x"], "--map 'x': give CATEGORY=LABEL"),
        (["--predictions", "none.csv"], "none.csv: no such file"),
        (["--rival", "bert"], "no rival 'bert'. There are: tfidf"),
        (["--slice", "age"], "--slice 'age': no such column. There are: length, site, r1, r2"),
        (["--readers", "r1,r9"], "no column 'r9'.*Pass --readers"),
        (["--json", "nowhere/out.json"], "nowhere: no such folder. Make it first"),
        (["--baseline", "none.json"], "none.json: cannot be read as a result of --json"),
        (["curve"], "--data stands before 'curve', which does not know it"),
    ],
)
def test_a_wrong_option_says_what_is_allowed_before_any_system_is_asked(monkeypatch, options, arguments, message):
    monkeypatch.setattr("disconnect_nlp.eval.__main__._ask", untouched)
    with pytest.raises(DisconnectError, match=message):
        run(*options, *arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_sha256": "0"}, "a result for other data cannot be compared"),
        ({"seed": 7}, "a result for another seed"),
        ({"samples": 21}, "a result for other numbers of samples"),
        ({"systems": {}}, "no result of --json"),
        ({"systems": {"model": {"labels": {"scale": {}}}}}, "a result for other labels"),
        ({"systems": {"model": {"labels": {"numbness": {}, "civic": {}}, "draws": {}}}}, "too few groups"),
    ],
)
def test_a_baseline_of_something_else_is_refused(tmp_path, monkeypatch, options, change, message):
    path = tmp_path / "before.json"
    run(*options, "--json", path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    monkeypatch.setattr("disconnect_nlp.eval.__main__._ask", untouched)
    with pytest.raises(DataError, match=message):
        run(*options, "--baseline", path)


@pytest.fixture(scope="module")
def shipped_results(default_model):
    data = shipped_test()
    said = {"model": predict(default_model, data)}
    return evaluate(said, data, model="m", labels=default_model.taxonomy.core, samples=200)


def program(*arguments) -> subprocess.CompletedProcess:
    """Run the whole program in a process of its own."""
    command = [sys.executable, "-m", "disconnect_nlp.eval", "--labels", "core", "--samples", "100", *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """An earlier result of the shipped model."""
    path = tmp_path_factory.mktemp("sound") / "before.json"
    done = program("--json", path)
    assert done.returncode == 0, done.stderr
    return path


def halved(cuts: np.ndarray) -> np.ndarray:
    """Thresholds of half the log-odds; what none reaches stays out of reach."""
    roots = np.sqrt(np.minimum(cuts, 1)), np.sqrt(1 - np.minimum(cuts, 1))
    return np.where(cuts > 1, cuts, roots[0] / (roots[0] + roots[1]))


def broken(kind: str, model: DisconnectClassifier) -> DisconnectClassifier:
    """The shipped model, broken on purpose."""
    own = copy.copy(model)
    if kind == "labels shuffled":
        order = np.random.default_rng(0).permutation(len(model.labels))
        own.coefficients, own.intercepts = model.coefficients[:, order], model.intercepts[order]
        own.calibration = Calibration(model.calibration.slope[order], model.calibration.offset[order])
        own.thresholds = Thresholds(**{name: cuts[order] for name, cuts in vars(model.thresholds).items()})
    elif kind == "thresholds at 0":
        own.thresholds = Thresholds(**{name: np.zeros_like(cuts) for name, cuts in vars(model.thresholds).items()})
    elif kind == "calibration off":  # odds seven times too high, and thresholds that decide as before
        own.calibration = Calibration(model.calibration.slope, model.calibration.offset + np.log(7))
        own.thresholds = Thresholds(
            **{name: 7 * cuts / (1 - cuts + 7 * cuts) for name, cuts in vars(model.thresholds).items()}
        )
    elif kind == "log-odds halved":
        own.calibration = Calibration(model.calibration.slope / 2, model.calibration.offset / 2)
        own.thresholds = Thresholds(**{name: halved(cuts) for name, cuts in vars(model.thresholds).items()})
    return own


@pytest.mark.parametrize(
    ("kind", "caught_by"),
    [
        ("nothing broken", set()),
        ("labels shuffled", {"--fail-under macro_f1=.5", "macro_f1", "micro_f1", "macro_ap", "mean_brier", "mean_ece"}),
        ("thresholds at 0", {"--fail-under macro_f1=.5", "macro_f1", "micro_f1"}),
        ("calibration off", {"--fail-over mean_ece=.06", "mean_brier", "mean_ece"}),
        ("log-odds halved", {"--fail-over mean_ece=.06", "mean_brier", "mean_ece"}),
    ],
)
def test_a_broken_model_is_caught_by_the_whole_program(tmp_path, default_model, sound, kind, caught_by):
    folder, out = tmp_path / "model", tmp_path / "out.json"
    save(broken(kind, default_model), folder)
    done = program("--model", folder, "--baseline", sound, "--fail-under", "macro_f1=.5", "--fail-over",
                   "mean_ece=.06", "--json", out)  # fmt: skip
    gates = json.loads(out.read_text())["gates"]
    assert {gate["name"].removeprefix("--baseline ") for gate in gates if not gate["passed"]} == caught_by
    assert done.returncode == bool(caught_by), done.stderr
    assert done.stdout.count("FAILED: ") == len(caught_by)
    assert len(gates) == 8


def test_the_shipped_model_beats_flagging_everything(shipped_results):
    numbers = shipped_results["systems"]["model"]
    flag_all = np.mean([row["flag_all_f1"] for row in numbers["labels"].values()])
    assert numbers["macro_f1_low"] > flag_all


def test_a_benchmark_a_list_of_suspects_and_behaviour_cases_are_commands(tmp_path):
    from test_eval_corpus import irf_file

    out, found, cases = tmp_path / "out.json", tmp_path / "suspects.csv", tmp_path / "cases.toml"
    irf_file(tmp_path)
    code, output = run("benchmark", "irf", "--data", tmp_path, "--model", "lexicon", "--json", out, "--samples", 20)
    assert code == 0
    assert set(json.loads(out.read_text())["systems"]) == {"in_domain", "tfidf_lr", "tfidf_lr_tuned", "transfer"}
    differences = output[output.index("Differences") :]
    assert differences.count("in_domain minus tfidf_lr ") == differences.count("minus tfidf_lr_tuned ") == 2
    assert differences.count("macro AP") == 2
    assert "Garg, Shahbandegan" in output
    rows = [
        f"I feel numb in {SECRET} {n},numbness,b{n % 6}" if n % 2 else f"Nice soup {n},,b{n % 6}" for n in range(60)
    ]
    (tmp_path / "own.csv").write_text("text,labels,batch\n" + "\n".join([*rows, "I feel numb,,b1"]) + "\n")
    code, output = run("suspects", "--data", tmp_path / "own.csv", "-o", found)
    assert code == 0
    with found.open(newline="") as file:
        (first, *_) = csv.DictReader(file)
    assert (first["id"], first["label"], first["given"]) == ("row 61", "numbness", "0")
    assert SECRET not in found.read_text()
    cases.write_text('[[capability]]\nid = "mine"\nkind = "minimum"\nabout = ""\n'
                     'cases = [{text="I feel numb.", given=["numbness"]}, {text="Hm.", given=["civic"]}]')  # fmt: skip
    code, output = run("behaviour", "--model", "lexicon", "--cases", cases, "--fail-over", ".4", "--json", out)
    assert code == 1
    assert json.loads(out.read_text())["behaviour"][0]["failure_rate"] == 0.5
    assert "2 cases, 1 capabilities, 1 failures" in output
    assert "FAILED: --fail-over mine: failure rate is 0.5, the limit is 0.4; 0 of 2 cases vacuous" in output
    cases.write_text('[[capability]]\nid = "mine"\nkind = "not_down"\nabout = ""\n'
                     'cases = [{base="Hm.", text="Hm, hm.", labels=["civic"]}]')  # fmt: skip
    code, output = run("behaviour", "--model", "lexicon", "--cases", cases, "--fail-over", "1")
    assert code == 1
    assert "FAILED: --fail-over mine: failure rate is undefined, the limit is 1; 1 of 1 cases vacuous" in output


def test_the_readme_prints_what_the_command_prints(shipped_results):
    system = shipped_results["systems"]["model"]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in readme.splitlines() if line.startswith("| ")]
    (summary,) = [row for row in rows if row[1] == "**`default`**"]
    printed = {"macro average": summary[2]}
    for label in system["labels"]:
        printed[label] = next(row[6] for row in rows if row[1] == f"`{label}`")  # the authored table comes first
    expected = {label: row["f1"] for label, row in system["labels"].items()} | {"macro average": system["macro_f1"]}
    for name, f1 in expected.items():
        assert float(printed[name].split(" ")[0]) == pytest.approx(f1, abs=0.0051), name


def test_names_that_look_like_markup_stay_text(tmp_path):
    truth = np.zeros((12, 46), np.int8)
    truth[:6, 0] = 1
    data = Dataset("<b>&|x.csv", ("t",) * 12, truth, tuple(map(str, range(12))), {"s": ("<i>|",) * 6 + ("b",) * 6})
    said = Predictions(truth * 0.9, truth)
    results = evaluate({"model": said, "[red]<script>": said}, data, model="m", labels=["professional"], samples=20)
    page = evaluation_page(results, data, {"model": said, "[red]<script>": said})
    assert "<script>" not in page
    assert "&lt;b&gt;&amp;|x.csv" in page
    assert r"<b>&|x.csv" in markdown_report(results)
    ElementTree.fromstring(junit_xml([], {"<&>": []}))
