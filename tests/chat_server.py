"""A chat server on loopback that speaks OpenAI's protocol, well or badly, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from geneperson.prompting.interview.questions import QUESTIONS

KEY = "sk-test-0123456789abcdef"
LABELS = [question.label for question in QUESTIONS]
SOON = {"retry-after-ms": "1"}
WORDS = {
    "upper_wear": ["coat", "poncho", "henley shirt", "kimono"],
    "lower_wear": ["shorts", "culottes", "kilt", "harem trousers"],
    "footwear": ["sandals", "clogs", "espadrilles", "brogues"],
}
ENDLESS = 64_000_000  # bytes
OTHERS = ["amber", "teal", "sepia", "ochre", "slate"]


def words_for(attribute: str) -> list[str]:
    return WORDS.get(attribute, OTHERS)


@dataclass
class Reply:
    """What the server does with one request.

    Attributes:
        body: None stands for a good answer, text for HTML, bytes for themselves, the rest for JSON.
        status: of HTTP.
        headers: beside those of the body, or instead of them.
        wait_sec: time before the first byte.
        drip: what is sent one byte each 0.2 s: "", "body", or "all" with the headers.
        endless: the body is repeated until the client goes away, or 64 MB are sent.
    """

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_sec: float = 0.0
    drip: str = ""
    endless: bool = False


def says(text: str | None, finish: str = "stop", **message: object) -> Reply:
    choice = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text, **message},
    }
    return Reply({"id": "1", "object": "chat.completion", "created": 1, "choices": [choice]})


def fails(status: int, **headers: str) -> Reply:
    return Reply({"error": {"message": f"no. key {KEY}"}}, status, SOON | headers)


class ChatServer(ThreadingHTTPServer):
    """Answers every question well, except those that have a script of replies.

    The last reply of a script repeats. All requests are kept: labels, bodies, keys,
    encodings.
    """

    daemon_threads = False  # all have ended when the server is closed

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts: dict[str, list[Reply]] = {}
        self.asked: list[str] = []
        self.bodies: list[dict] = []
        self.keys: set[str] = set()
        self.encodings: set[str] = set()
        self.sent: list[int] = []  # bytes of each endless reply
        self.knows_schemas = True
        self.released = threading.Event()  # ends every wait, so that no thread outlives its test

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, body: dict) -> Reply:
        text = body["messages"][-1]["content"]
        question = next(question for question in QUESTIONS if question.prompt == text)
        self.asked.append(question.label)
        self.bodies.append(body)
        if "response_format" in body and not self.knows_schemas:
            return fails(400)
        script = self.scripts.get(question.label, [Reply()])
        reply = script.pop(0) if len(script) > 1 else script[0]
        if reply.body is None:
            good = says(json.dumps({"words": words_for(question.attribute)}))
            return replace(reply, body=good.body)
        return reply


def _encode(body: object) -> tuple[str, bytes]:
    if isinstance(body, bytes):
        return "application/json", body
    if isinstance(body, str):
        return "text/html", body.encode()
    return "application/json", json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    sent = 0  # bytes

    def do_POST(self) -> None:
        self.server.keys.add(self.headers["Authorization"])
        self.server.encodings.add(self.headers["Accept-Encoding"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.path == "/v1/chat/completions"
        reply = self.server.reply(json.loads(body))
        self.server.released.wait(reply.wait_sec)
        kind, content = _encode(reply.body)
        headers = {"Content-Type": kind} | reply.headers
        if not reply.endless:  # else the end of the connection is the end of the body
            headers["Content-Length"] = str(len(content))
        lines = [f"HTTP/1.0 {reply.status} -", *(f"{name}: {headers[name]}" for name in headers)]
        head = "\r\n".join([*lines, "", ""]).encode()
        try:
            self._send(head, drip=reply.drip == "all")
            self._send(content, drip=bool(reply.drip))
            while reply.endless and self.sent < ENDLESS:
                self._send(content)
        except OSError:  # the client went away
            pass
        if reply.endless:
            self.server.sent.append(self.sent)

    def _send(self, content: bytes, *, drip: bool = False) -> None:
        step = 1 if drip else len(content)
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            if drip:
                self.server.released.wait(0.2)
        self.sent += len(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve() -> Iterator[ChatServer]:
    """Run a server for the time of the context."""
    with ChatServer() as one:
        threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
        yield one
        one.released.set()
        one.shutdown()
