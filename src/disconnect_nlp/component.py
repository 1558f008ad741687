"""``nlp.add_pipe("disconnect")``: a whole labeller in anybody's spaCy pipeline."""

from __future__ import annotations

from dataclasses import asdict

from spacy.language import Language
from spacy.tokens import Doc, Span

from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.records import Annotation, Policy, annotation_from
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.text.components import SPANS_KEY

_KEY = "disconnect"  # in doc.user_data, as plain values: a Doc must stay serialisable


def _get(doc: Doc) -> Annotation | None:
    plain = doc.user_data.get(_KEY)
    return None if plain is None else annotation_from(plain)


if not Doc.has_extension("disconnect"):
    Doc.set_extension("disconnect", getter=_get)


@Language.factory(
    "disconnect",
    default_config={"model": "default", "policy": "f1"},
    assigns=["doc.cats", "doc.spans", "doc._.disconnect"],
)
def make_disconnect(nlp: Language, name: str, model: str, policy: Policy) -> DisconnectComponent:
    """Create the component; ``model`` is a shipped model's name or a model folder."""
    return DisconnectComponent(load(model, policy=policy))


class DisconnectComponent:
    """Puts scores on ``doc.cats``, evidence on ``doc.spans["disconnect"]``, the annotation on ``doc._.disconnect``."""

    def __init__(self, labeller: Labeller) -> None:
        self.labeller = labeller

    def __call__(self, doc: Doc) -> Doc:
        """Label ``doc``; return it."""
        note = next(self.labeller.annotate_docs([doc]))
        doc.user_data[_KEY] = asdict(note)
        doc.cats.update(note.scores)
        spans = (
            (doc.char_span(item.start, item.end, label=item.label, span_id=item.source), item) for item in note.evidence
        )
        doc.spans[SPANS_KEY] = [span for span, item in spans if isinstance(span, Span) and item.counts]
        return doc
