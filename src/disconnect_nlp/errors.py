"""The errors a user can meet. Messages name place, value, what is allowed and the next step, never a user's text."""

_LONGEST_NAME, _SHOWN = 40, 20


def shorten(name: object) -> str:
    """Return a column's name for a message, one of over forty characters cut to its first twenty.

    A file without a header row has texts for names.

    Examples
    --------
    >>> shorten("entry")
    'entry'
    """
    text = str(name)
    return text if len(text) <= _LONGEST_NAME else text[:_SHOWN] + "… (cut)"


class DisconnectError(Exception):
    """Base of every error this library raises on purpose."""


class DataError(DisconnectError, ValueError):
    """A file, table or value given by the user cannot be used as it is."""


class TaxonomyError(DisconnectError, ValueError):
    """A label is not in the taxonomy, or the taxonomy file is not valid."""


class LexiconError(DisconnectError, ValueError):
    """A lexicon or cue file holds something that cannot be compiled."""


class ModelError(DisconnectError, ValueError):
    """A saved model is missing, incomplete, changed or of another version."""


class WorkerError(DisconnectError, RuntimeError):
    """A worker process died and could not be replaced; what was done before is kept."""


class CorpusError(DisconnectError, ValueError):
    """The corpus breaks one of its own rules."""
