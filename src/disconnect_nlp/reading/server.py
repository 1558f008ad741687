"""The reading view's server: this machine only, for whoever holds the token. Keeps no text, logs none.

Why it is closed as it is: a page on the web can make the browser send requests to this machine. So requests need a
cookie that only the address with the token sets (``SameSite=Strict``), must name this machine as their host (against
DNS rebinding), and must not come from a page of another origin, not even of another port.
"""

from __future__ import annotations

import hmac
import ipaddress
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, redirect, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from waitress.server import create_server
from werkzeug.exceptions import HTTPException

from disconnect_nlp.errors import DataError
from disconnect_nlp.reading.agreement import agreement
from disconnect_nlp.reading.journal import Reading
from disconnect_nlp.reading.session import By, Filter, Go, Session, Show, Source, StaleReading
from disconnect_nlp.reading.words import page_words

_HOSTS = ("127.0.0.1", "localhost", "::1")
_LARGEST_REQUEST = 1 << 20
_ASSETS = {"read.css": "text/css", "read.js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Asked(_Strict):
    at: int = 0
    go: Go = "here"
    show: Show = "all"
    by: By | None = None
    label: str | None = None
    query: str = ""


class _Told(_Strict):
    row: int
    key: str
    revision: int
    window: str = Field(max_length=40)
    turn: int
    reading: Reading


def make_app(session: Session, *, token: str) -> Flask:
    """Return the web application for one session."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST_REQUEST
    cookie = f"disconnect_read_{token[:8]}"  # cookies are shared among ports, so that of another view stays

    @app.before_request
    def guard() -> Response | None:
        _refuse_strangers()
        if request.path == "/" and _same(request.args.get("token", ""), token):
            entered = redirect("/", code=303)
            entered.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return entered  # type: ignore[return-value]
        if not _same(request.cookies.get(cookie, ""), token):
            abort(403, "Open the address that 'disconnect-nlp read' printed, with its token.")
        return None

    @app.after_request
    def close_up(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    @app.errorhandler(ValidationError)
    def malformed(error: ValidationError) -> tuple[Response, int]:
        fields = ", ".join(sorted({".".join(map(str, item["loc"])) or "request" for item in error.errors()}))
        return jsonify(error=f"not understood: {fields}"), 400

    @app.errorhandler(DataError)
    def unusable(error: DataError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 409 if isinstance(error, StaleReading) else 400

    @app.get("/")
    def page() -> Response:
        return Response(_asset("read.html"), mimetype="text/html")

    @app.get("/assets/<name>")
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            abort(404)
        return Response(_asset(name), mimetype=_ASSETS[name])

    @app.get("/api/words")
    def words() -> Response:
        return jsonify(**page_words(session), counts=session.counts())

    @app.get("/api/agreement")
    def agreed() -> Response:
        rows = agreement(session.table, session.others) if session.others else []
        return jsonify([{**vars(row), "n": row.n} for row in rows])

    @app.get("/api/passage")
    def passage() -> Response:
        asked = _Asked.model_validate(request.args.to_dict())
        if asked.label is not None and asked.label not in session.table.labels:
            raise DataError("no such label in this table.")
        wanted = Filter(asked.show, asked.by, asked.label, asked.query)
        row, rank, n = session.find(asked.at, asked.go, wanted)
        shown = None if row is None else session.passage(row)
        return jsonify(passage=shown, rank=rank, matching=n, counts=session.counts())

    @app.post("/api/reading")
    def reading() -> Response:
        if request.mimetype != "application/json":
            abort(415, "Send JSON.")
        told = _Told.model_validate_json(request.get_data())
        source = Source(told.window, told.turn)
        revision = session.save(told.row, told.key, told.reading, revision=told.revision, source=source)
        return jsonify(revision=revision, counts=session.counts())

    return app


def serve(app: Flask, *, host: str, port: int) -> tuple[Any, str]:
    """Bind to this machine's loopback; return a server whose ``run()`` blocks, and its address.

    Raises
    ------
    DataError
        If ``host`` is not this machine, or the port is taken.
    """
    host = "127.0.0.1" if host == "localhost" else host
    if not _loopback(host):
        raise DataError(
            f"--host {host}: texts are served to this machine only (127.0.0.1, ::1). To read from another one, make a "
            "tunnel: ssh -L 8765:127.0.0.1:PORT this-machine, and open localhost:8765 there."
        )
    try:
        server = create_server(app, host=host, port=port, threads=4, ident=None)
    except OSError as error:
        raise DataError(f"--port {port}: {error.strerror}. Pass another, or 0 for any free one.") from None
    name = f"[{host}]" if ":" in host else host
    return server, f"http://{name}:{server.effective_port}/"


def _refuse_strangers() -> None:
    host = urlsplit(f"//{request.host}").hostname
    if host not in _HOSTS:
        abort(421, "This view answers to 127.0.0.1 and localhost only.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        abort(403, "Requests from other pages are refused.")
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        if request.method == "GET" and request.path == "/" and request.headers.get("Sec-Fetch-Mode") == "navigate":
            return  # a link to the printed address, in a terminal or notebook that runs in the browser
        abort(403, "Requests from other pages are refused.")


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode())


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _asset(name: str) -> bytes:
    return (files("disconnect_nlp") / "resources" / "reading" / name).read_bytes()
