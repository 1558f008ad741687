"""Gates and behaviour tests as JUnit XML, which build servers show. Holds ids and numbers, no texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from disconnect_nlp.eval.gates import Gate


def junit_xml(gates: Sequence[Gate], behaviour: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the XML: one suite of gates and one a system of behaviour tests.

    Parameters
    ----------
    behaviour
        System to the result of :func:`disconnect_nlp.eval.behaviour.run_behaviour`. A vacuous case is left out.
    """
    root = ElementTree.Element("testsuites", name="disconnect_nlp.eval")
    if gates:
        _suite(root, "gates", [("gates", gate.name, None if gate.passed else gate.message) for gate in gates])
    for system, capabilities in behaviour.items():
        _suite(root, f"behaviour.{system}", [case for own in capabilities for case in _cases(own)])
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(capability: Mapping[str, Any]) -> list[tuple[str, str, str | None]]:
    name = capability["capability"]
    passed: list[tuple[str, str, str | None]] = [(name, test, None) for test in capability["passed"]]
    return passed + [(name, test, why) for test, why in capability["failures"].items()]


def _suite(root: ElementTree.Element, name: str, cases: Sequence[tuple[str, str, str | None]]) -> None:
    failed = sum(why is not None for _, _, why in cases)
    suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(cases)), failures=str(failed))
    for class_name, test, why in sorted(cases, key=lambda case: case[:2]):
        case = ElementTree.SubElement(suite, "testcase", classname=class_name, name=test)
        if why is not None:
            ElementTree.SubElement(case, "failure", message=why)
