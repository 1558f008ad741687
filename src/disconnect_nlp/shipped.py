"""Finds what ships beside the code: corpora, samples and models, from a wheel or from a checkout."""

from __future__ import annotations

from pathlib import Path

from disconnect_nlp.errors import DataError

_PACKAGE = Path(__file__).parent


def shipped_path(*parts: str) -> Path:
    """Return the path of a shipped file or folder, for example ``shipped_path("models", "default")``.

    In a wheel these lie inside the package under ``shipped/``; in a checkout at its top level.

    Raises
    ------
    DataError
        If it lies in neither place.
    """
    places = (_PACKAGE / "shipped", _PACKAGE.parents[1])
    for place in places:
        path = place.joinpath(*parts)
        if path.exists():
            return path
    raise DataError(
        f"{'/'.join(parts)} is not shipped with this installation (looked in "
        f"{' and '.join(str(place) for place in places)}). Reinstall the package, or build it from a checkout."
    )
