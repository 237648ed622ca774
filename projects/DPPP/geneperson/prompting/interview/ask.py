"""A vocabulary from a chat model: ask every question, check every answer, write one file.

A group of words (an attribute, or an attribute of one gender) comes as a whole from the model or
from the curated vocabulary; the two are never mixed.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from ...errors import UserError
from ...extras import require
from ...files import to_json, write_atomic
from .. import vocabulary
from . import answers
from .answers import Answer, UnusableAnswerError
from .cache import AnswerCache
from .chat import WHAT, Chat, NoAnswerError
from .questions import QUESTIONS, Question

ASKS = 3  # attempts at a usable answer to one question
TIMEOUT_SEC = 120.0  # for one question with all its attempts
_MAX_TIMEOUT_SEC = 3600
MAX_UNANSWERED = 3  # questions in a row; the server is not asked again

_Content = dict[str, dict[str, list[str]]]  # attribute -> group -> words


@dataclass(frozen=True, kw_only=True)
class Interview:
    """What came of the questions.

    Attributes:
        lines: a report: one line for each group of words, with its origin, and a closing line.
        answered: groups of words from the model, at most len(QUESTIONS); no file is written for 0.
    """

    lines: tuple[str, ...]
    answered: int


def make_vocabulary(
    output: str | Path, model: str, cache: str | Path, timeout_sec: float = TIMEOUT_SEC
) -> Interview:
    """Ask a chat model for words and write them as a vocabulary file.

    Usable answers are kept in the cache. After an interruption or an unusable answer, the same
    command therefore asks only what is missing. It runs an event loop of its own, so it cannot be
    called from a coroutine.

    Args:
        output: JSON file to write, for VOCABULARY.FILE.
        model: name of the model as the server knows it.
        cache: folder of answers.
        timeout_sec: longest time for one question with all attempts at it, in (0, 3600].

    Raises:
        UserError: an argument, the key, the address or the model is unusable; nothing is written.
    """
    output = Path(output)
    if not model.strip():
        raise UserError("the vocabulary command needs the name of a chat model")
    if not 0 < timeout_sec <= _MAX_TIMEOUT_SEC:
        raise UserError(f"--timeout {timeout_sec:g}: must be in (0, {_MAX_TIMEOUT_SEC}] seconds")
    if output.is_dir() or not output.parent.is_dir():
        raise UserError(
            f"--output {output}: the folder does not exist (or {output} is a folder); "
            "name a file in an existing folder"
        )
    require("pydantic", WHAT)  # answers of an earlier run are checked with it, too
    interviewer = _Interviewer(Chat(model, timeout_sec), AnswerCache(Path(cache), model))
    curated = json.loads(vocabulary.CURATED.read_bytes())
    words = vocabulary.load().words
    content: _Content = {}
    lines = []
    answered = 0
    for question in tqdm(QUESTIONS, unit="question", desc="vocabulary", disable=None, leave=False):
        try:
            answer, source = interviewer.ask(question)
            group = list(answer.words)
            line = f"{len(group)} words from the model{source}"
            if answer.rejected:
                line += f"; rejected: {answers.summary(answer.rejected)}"
            answered += 1
        except UnusableAnswerError as error:
            gender = vocabulary.GENDERS[0] if question.group == "any" else question.group
            group = list(words[gender][question.attribute])
            line = f"kept the curated words: {error}"
        content.setdefault(question.attribute, {})[question.group] = group
        lines.append(f"{question.label}: {line}")
    if answered:
        rules = _rules_that_apply(curated["contradictions"], content)
        lines += [
            "build: kept the curated words: the paper's template fixes them",
            f"contradictions: {len(rules)} of {len(curated['contradictions'])} curated rules",
        ]
        _write(output, content | {"build": curated["build"], "contradictions": rules})
    lines.append(_closing_line(output, answered))
    return Interview(lines=tuple(lines), answered=answered)


def _closing_line(output: Path, answered: int) -> str:
    count = f"{answered} of {len(QUESTIONS)} groups from the model"
    if not answered:
        return f"{output}: {count}; the file is not written"
    rest = "" if answered == len(QUESTIONS) else "; the same command asks for the others again"
    return f"{output}: {count}{rest}"


class _Interviewer:
    """Asks one question after the other until the server stops answering."""

    def __init__(self, chat: Chat, known: AnswerCache) -> None:
        self._chat = chat
        self._known = known
        self._unanswered = 0  # questions in a row

    def ask(self, question: Question) -> tuple[Answer, str]:
        """Return a usable answer, and a note if it comes from the cache instead of the model.

        Raises:
            UnusableAnswerError: the model gave no usable answer.
        """
        text = self._known.get(question.prompt)
        if text is not None:
            try:
                return answers.read(text, question.attribute), " (answer kept from an earlier run)"
            except UnusableAnswerError:
                pass  # the file was edited, or the rules became stricter: ask again
        if self._unanswered == MAX_UNANSWERED:
            raise NoAnswerError(f"not asked after {MAX_UNANSWERED} unanswered questions in a row")
        try:
            answer = self._ask_model(question)
        except NoAnswerError:
            self._unanswered += 1
            raise
        except UnusableAnswerError:
            self._unanswered = 0
            raise
        self._unanswered = 0
        return answer, ""

    def _ask_model(self, question: Question) -> Answer:
        deadline = self._chat.start()
        attempt = 1
        while True:
            try:
                text = self._chat.answer(question.prompt, deadline)
                answer = answers.read(text, question.attribute)
            except NoAnswerError:
                raise
            except UnusableAnswerError:
                if attempt == ASKS:
                    raise
                attempt += 1
            else:
                self._known.put(question.prompt, text)
                return answer


def _rules_that_apply(rules: list[dict[str, list[str]]], content: _Content) -> list[dict]:
    """Narrow contradictions to words of the content; drop rules with an empty side."""
    known = {
        attribute: {word for words in groups.values() for word in words}
        for attribute, groups in content.items()
    }
    narrowed = [
        {name: [word for word in listed if word in known[name]] for name, listed in rule.items()}
        for rule in rules
    ]
    return [rule for rule in narrowed if all(rule.values())]


def _write(output: Path, content: dict) -> None:
    """Write the file after a trial: the package itself must be able to read it."""
    text = to_json(content)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / output.name
        trial.write_bytes(text)
        vocabulary.load(trial)
    write_atomic(output, text)
