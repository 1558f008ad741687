"""What is known of processes that may end while one looks."""

from __future__ import annotations

import psutil


def cmdline(process: psutil.Process) -> list[str]:
    """Return the words a process was started with, none if it has ended (a zombie has)."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []
