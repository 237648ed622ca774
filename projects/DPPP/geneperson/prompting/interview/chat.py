"""A chat model on an OpenAI-compatible server: one prompt in, the text of one answer out.

The key comes from OPENAI_API_KEY and the address from OPENAI_BASE_URL. Neither the key nor what the
server says about it is written to a file, a log or a message.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import UserError
from ...extras import require
from .answers import UnusableAnswerError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

RETRIES = 4  # after 429 and 5xx; the client waits 0.5, 1, 2, 4 s or as the server says
MAX_REPLY = 1_000_000  # bytes; an answer has some hundred, a model that thinks aloud some 100,000
WHAT = "the vocabulary command"
_SECRET = 16  # characters; a shorter key is a placeholder, for a server that needs none
DEFAULT_URL = "https://api.openai.com/v1"
_ADVICE = {
    **dict.fromkeys(
        (301, 302, 303, 307, 308), "it has moved; set OPENAI_BASE_URL to its new address"
    ),
    401: "it does not accept the key in OPENAI_API_KEY",
    403: "the key in OPENAI_API_KEY may not use model '{model}'",
    404: "it has no model '{model}' at this address; check the model and OPENAI_BASE_URL",
}


class NoAnswerError(UnusableAnswerError):
    """The server gave no answer at all; repeating the question at once would not help."""


class Chat:
    """One model on a server.

    Nothing is read from the environment, imported or sent before the first prompt, so that a run
    whose answers are all known needs neither key nor network.

    Args:
        model: name of the model as the server knows it.
        timeout_sec: longest time for one question; messages name it.
    """

    def __init__(self, model: str, timeout_sec: float) -> None:
        self._model = model
        self._timeout_sec = timeout_sec
        self._schema = True  # until the server turns out not to know response_format
        self._retries = RETRIES

    def start(self) -> float:
        """Return the deadline of a question that starts now, a reading of time.monotonic().

        Importing comes first: it takes seconds on a busy machine, which are not the server's.
        """
        for module in ("openai", f"{__package__}.transfer", f"{__package__}.forms"):
            require(module, WHAT)
        return time.monotonic() + self._timeout_sec

    def answer(self, prompt: str, deadline: float) -> str:
        """Ask once.

        Args:
            prompt: the message to the model.
            deadline: from ``start``; the question is then given up, whatever the server is doing.

        Raises:
            UnusableAnswerError: the answer is empty, cut off or refused.
            NoAnswerError: no answer, after all tries.
            UserError: no key, no such server, or the server does not accept the key or the model.
        """
        openai = require("openai", WHAT)
        try:
            reply = asyncio.run(
                asyncio.wait_for(self._complete(prompt), deadline - time.monotonic())
            )
        except (asyncio.TimeoutError, openai.APITimeoutError) as error:
            raise self._give_up(f"no answer within {self._timeout_sec:g} s") from error
        except openai.APIConnectionError as error:
            raise UserError(
                f"cannot reach the chat server {self._url} ({_root(error)}); check OPENAI_BASE_URL"
            ) from error
        except openai.APIStatusError as error:
            if advice := _ADVICE.get(error.status_code):
                raise UserError(
                    f"the chat server {self._url} answers HTTP {error.status_code}: "
                    + advice.format(model=self._model)
                ) from error
            reason = f"the server answers HTTP {error.status_code}"
            if error.status_code in (400, 422):  # about this question; the server itself is fine
                raise NoAnswerError(reason) from error
            raise self._give_up(reason) from error
        if len(reply) > MAX_REPLY:
            raise NoAnswerError(f"the server's reply is longer than {MAX_REPLY} bytes")
        self._retries = RETRIES
        text = _text(reply)
        if len(_key()) >= _SECRET and _key() in text:
            raise UnusableAnswerError("the answer repeats the key")
        return text

    async def _complete(self, prompt: str) -> bytes:
        """Return the reply to one request, at most MAX_REPLY + 1 bytes of it.

        The form of the answer goes with it as a schema, if the server knows schemas.
        """
        from .forms import response_format

        openai = require("openai", WHAT)
        async with self._client() as client:
            create = partial(
                client.chat.completions.with_raw_response.create,
                model=self._model,
                messages=[{"role": "user", "content": prompt}],
            )
            if self._schema:
                try:
                    reply = await create(response_format=response_format())
                    return reply.http_response.content
                except (openai.BadRequestError, openai.UnprocessableEntityError):
                    pass  # perhaps because of the schema; the prompt asks for the same form
            reply = await create()
            self._schema = False
            return reply.http_response.content

    def _give_up(self, reason: str) -> NoAnswerError:
        """Give up a question; the next ones get a single try until one succeeds."""
        self._retries = 0
        return NoAnswerError(reason)

    def _client(self) -> AsyncOpenAI:
        """Return a client for one request; the time is limited outside, as a whole."""
        from .transfer import LimitedClient

        for transport in ("httpx", "httpx2"):  # both log every request, with its full address
            logging.getLogger(transport).setLevel(logging.WARNING)
        return require("openai", WHAT).AsyncOpenAI(
            api_key=_key(),
            base_url=_address(),
            timeout=None,
            max_retries=self._retries,
            http_client=LimitedClient(MAX_REPLY),
        )

    @property
    def _url(self) -> str:
        """The server's address without user name, password and query, which may be secret."""
        parts = urlsplit(_address())
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _root(error: BaseException) -> str:
    """Return the first cause of an error in one line; what wraps it says only that it failed."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _key() -> str:
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not key:
        raise UserError(
            "the vocabulary command needs a key in the environment variable OPENAI_API_KEY (any "
            "text for a local server that needs none)"
        )
    if not (key.isascii() and key.isprintable()):
        raise UserError("OPENAI_API_KEY has characters that are not allowed in a key; set it again")
    return key


def _address() -> str:
    address = os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT_URL
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no port number, or a broken [IPv6] address
        valid = False
    if not valid:
        raise UserError(
            "OPENAI_BASE_URL is not the address of a server; set it like http://HOST:PORT/v1"
        )
    return address


def _text(reply: bytes) -> str:
    """Return the answer's text from the body of a reply."""
    from pydantic import ValidationError

    from .forms import Completion

    try:
        choice = Completion.model_validate_json(reply).choices[0]
    except ValidationError as error:
        raise NoAnswerError("the server's reply is not a chat completion") from error
    text = choice.message.content
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise UnusableAnswerError("the model refused to answer")
    if choice.finish_reason == "length":
        raise UnusableAnswerError("the answer was cut off")
    if text is None or not text.strip():
        raise UnusableAnswerError("the answer is empty")
    return text
