"""A chat model on an OpenAI-compatible server: one prompt in, the text of one answer out.

The key comes from OPENAI_API_KEY and the address from OPENAI_BASE_URL. Neither the key nor what the
server says about it is written to a file, a log or a message.
"""

from __future__ import annotations

import logging
import os
from functools import cached_property, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ...errors import UserError
from ...extras import require
from .answers import UnusableAnswerError
from .questions import RESPONSE_FORMAT

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.chat import ChatCompletion

RETRIES = 4  # after 429, 5xx and time-outs; the client waits 0.5, 1, 2, 4 s or as the server says
_SECRET = 16  # characters; a shorter key is a placeholder, for a server that needs none
_NOT_A_COMPLETION = "the server's reply is not a chat completion"
DEFAULT_URL = "https://api.openai.com/v1"
_ADVICE = {
    401: "it does not accept the key in OPENAI_API_KEY",
    403: "the key in OPENAI_API_KEY may not use model '{model}'",
    404: "it has no model '{model}' at this address; check the model and OPENAI_BASE_URL",
}


class NoAnswerError(UnusableAnswerError):
    """The server gave no answer at all; repeating the question at once would not help."""


class Chat:
    """A connection to one model.

    Nothing is read from the environment, imported or sent before the first prompt, so that a run
    whose answers are all known needs neither key nor network.

    Args:
        model: name of the model as the server knows it.
        timeout_sec: longest wait for one reply.
    """

    def __init__(self, model: str, timeout_sec: float) -> None:
        self._model = model
        self._timeout_sec = timeout_sec
        self._schema = True  # until the server turns out not to know response_format
        self._retries = RETRIES

    def answer(self, prompt: str) -> str:
        """Ask once.

        Raises:
            UnusableAnswerError: the answer is empty, cut off or refused.
            NoAnswerError: no answer, after all tries.
            UserError: no key, no such server, or the server does not accept the key or the model.
        """
        openai = require("openai", "the vocabulary command")
        client = self._client.with_options(max_retries=self._retries)
        try:
            reply = self._complete(client, prompt)
        except openai.APITimeoutError as error:
            raise self._give_up(f"no answer within {self._timeout_sec:g} s") from error
        except openai.APIConnectionError as error:
            cause = " ".join(str(error.__cause__ or error).split())
            raise UserError(
                f"cannot reach the chat server {self._url} ({cause}); check OPENAI_BASE_URL"
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
        # The client passes on a ValueError if the body is not JSON.
        except (openai.APIError, ValueError, RecursionError) as error:
            raise NoAnswerError(_NOT_A_COMPLETION) from error
        self._retries = RETRIES
        text = _text(reply)
        if len(_key()) >= _SECRET and _key() in text:
            raise UnusableAnswerError("the answer repeats the key")
        return text

    def _complete(self, client: OpenAI, prompt: str) -> ChatCompletion:
        """Send one request, with the form of the answer as a schema if the server knows schemas."""
        openai = require("openai", "the vocabulary command")
        create = partial(
            client.chat.completions.create,
            model=self._model,
            messages=[{"role": "user", "content": prompt}],
        )
        if self._schema:
            try:
                return create(response_format=RESPONSE_FORMAT)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                pass  # perhaps because of the schema; the prompt asks for the same form in words
        reply = create()
        self._schema = False
        return reply

    def _give_up(self, reason: str) -> NoAnswerError:
        """Give up a question; the next ones get a single try until one succeeds."""
        self._retries = 0
        return NoAnswerError(reason)

    @cached_property
    def _client(self) -> OpenAI:
        for transport in ("httpx", "httpx2"):  # both log every request, with its full address
            logging.getLogger(transport).setLevel(logging.WARNING)
        return require("openai", "the vocabulary command").OpenAI(
            api_key=_key(), base_url=_address(), timeout=self._timeout_sec
        )

    @property
    def _url(self) -> str:
        """The server's address without user name, password and query, which may be secret."""
        parts = urlsplit(_address())
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


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


def _text(reply: ChatCompletion) -> str:
    """Return the answer's text from a reply; servers differ, so any part may be missing."""
    try:
        choice = reply.choices[0]
        text, refusal = choice.message.content, getattr(choice.message, "refusal", None)
    except (AttributeError, IndexError, TypeError) as error:
        raise NoAnswerError(_NOT_A_COMPLETION) from error
    if refusal or choice.finish_reason == "content_filter":
        raise UnusableAnswerError("the model refused to answer")
    if choice.finish_reason == "length":
        raise UnusableAnswerError("the answer was cut off")
    if not isinstance(text, str) or not text.strip():
        raise UnusableAnswerError("the answer is empty")
    return text
