"""The forms of what a chat server sends, checked by pydantic: a reply, and the answer in it.

pydantic comes with openai, for the vocabulary command alone; whoever uses a form imports it there.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Words(BaseModel, Generic[T]):
    """Short phrases that answer the question."""

    # Requested, not required: keys beside the words do no harm.
    model_config = ConfigDict(title="words", json_schema_extra={"additionalProperties": False})

    words: list[T]


# A single entry that is not text costs that entry, not the answer.
AnyWords = Words[Any]


class Message(BaseModel):
    """What the model says in a reply."""

    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    """One of a reply's answers, with why it ends: "stop", "length" or "content_filter"."""

    message: Message
    finish_reason: str | None = None


class Completion(BaseModel):
    """The part of a chat completion that is read; servers differ in the rest."""

    choices: list[Choice] = Field(min_length=1)


def response_format() -> dict[str, Any]:
    """Return the form that the prompt describes, for servers that can enforce it."""
    schema = Words[str].model_json_schema()
    return {
        "type": "json_schema",
        "json_schema": {"name": "words", "strict": True, "schema": schema},
    }
