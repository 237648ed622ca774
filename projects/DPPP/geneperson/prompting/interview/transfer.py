"""An HTTP client for openai's that reads a reply only so far; openai is imported where it is used.

Only the bytes are limited here; the time is, for the whole question, by the one who asks.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

from openai import DefaultAsyncHttpxClient

# Headers of the transfer, which say nothing about the bytes that were read.
_OF_TRANSFER = ("content-encoding", "content-length", "transfer-encoding")


class LimitedClient(DefaultAsyncHttpxClient):
    """Cuts every reply off one byte after the limit, also that of an error.

    Redirects are replies, too: their bodies would be read in full, and the key be sent on.

    Args:
        max_bytes: longest reply that is read whole. Its reader has to look at the length.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__(follow_redirects=False)
        self._max_bytes = max_bytes

    async def send(self, request: Any, **kwargs: Any) -> Any:
        """Send a request; return the response with its body read, at most max_bytes + 1 of it."""
        # A few compressed bytes could stand for any number; a reply that has them stays as it is.
        request.headers["Accept-Encoding"] = "identity"
        response = await super().send(request, **kwargs | {"stream": True})
        body = bytearray()
        try:
            async with aclosing(response.aiter_raw()) as chunks:
                async for chunk in chunks:
                    body += chunk
                    if len(body) > self._max_bytes:
                        break
        finally:
            await response.aclose()
        headers = [pair for pair in response.headers.items() if pair[0] not in _OF_TRANSFER]
        return type(response)(
            response.status_code,
            headers=headers,
            content=bytes(body[: self._max_bytes + 1]),
            request=request,
        )
