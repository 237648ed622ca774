"""Answers of chat models on disk: one JSON file per request, named by the request's digest."""

from __future__ import annotations

import json
from pathlib import Path

from ...errors import UserError
from ...files import sha256, to_json, write_atomic


class AnswerCache:
    """The stored answers of one model.

    The digest covers the model and the whole prompt, which describes the form of the answer, but
    not the server's address.

    Args:
        folder: where the files are; created with the first answer.
        model: name of the model.

    Raises:
        UserError: the folder cannot be used.
    """

    def __init__(self, folder: Path, model: str) -> None:
        if folder.exists() and not folder.is_dir():
            raise UserError(f"cache {folder}: is a file; name a folder")
        self._folder = folder
        self._model = model

    def get(self, prompt: str) -> str | None:
        """Return the answer to a prompt; None if it is missing or its file is damaged."""
        content = self._content(prompt)
        try:
            saved = json.loads(self._path(content).read_bytes())
            answer = saved.pop("answer")
        except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
            return None
        return answer if saved == content and isinstance(answer, str) else None

    def put(self, prompt: str, answer: str) -> None:
        """Store an answer.

        Raises:
            UserError: the folder cannot be written to.
        """
        content = self._content(prompt)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path(content), to_json(content | {"answer": answer}))
        except OSError as error:
            raise UserError(f"cache {self._folder}: {error.strerror}; name a folder") from error

    def _content(self, prompt: str) -> dict[str, str]:
        request = {"model": self._model, "prompt": prompt}
        return {
            "request": sha256(to_json(request)),
            "model": self._model,
            "question": prompt,
        }

    def _path(self, content: dict[str, str]) -> Path:
        return self._folder / f"{content['request']}.json"
