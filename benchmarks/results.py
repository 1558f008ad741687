"""Puts what a benchmark measured in its place in RESULTS.md, or in another file."""

from __future__ import annotations

from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def put_section(heading: str, mark: str, body: str, *, file: Path = RESULTS) -> None:
    """Replace what stands between the marks of a section; add the section at the end if it is not there."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    text = file.read_text(encoding="utf-8")
    if begin not in text:
        text += f"\n## {heading}\n\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{file.name}: {begin} has no {end}. Put it back first.")
    file.write_text(f"{before}{begin}\n{body}\n{end}{after}", encoding="utf-8")
    print(f"written to {file.name}, section {heading!r}")
