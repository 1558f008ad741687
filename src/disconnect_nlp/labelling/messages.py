"""What goes between a run and its workers: lines of JSON; halves of surrogate pairs go as they are."""

from __future__ import annotations

import json
from typing import IO, Any


def message(value: Any) -> bytes:
    """Return a value as a line."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def next_message(stream: IO[bytes]) -> Any:
    """Return the next value, None if the stream has ended, be it in the middle of one or by the death of the other."""
    try:
        line = stream.readline()
    except ConnectionError:
        return None
    return json.loads(line.decode("utf-8", "surrogatepass")) if line.endswith(b"\n") else None
