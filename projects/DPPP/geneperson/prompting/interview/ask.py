"""A vocabulary from a chat model: ask every question, check every answer, write one file.

A group of words (an attribute, or an attribute of one gender) comes as a whole from the model or
from the curated vocabulary; the two are never mixed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tqdm import tqdm

from ...errors import UserError
from ...files import to_json, write_atomic
from .. import vocabulary
from . import answers
from .answers import Answer, UnusableAnswerError
from .cache import AnswerCache
from .chat import Chat, NoAnswerError
from .questions import QUESTIONS, Question

ASKS = 3  # attempts at a usable answer to one question

_Content = dict[str, dict[str, list[str]]]  # attribute -> group -> words


def make_vocabulary(
    output: str | Path, model: str, cache: str | Path, timeout_sec: float = 60.0
) -> list[str]:
    """Ask a chat model for words and write them as a vocabulary file.

    Usable answers are kept in the cache. After an interruption or an unusable answer, the same
    command therefore asks only what is missing.

    Args:
        output: JSON file to write, for VOCABULARY.FILE.
        model: name of the model as the server knows it.
        cache: folder of answers.
        timeout_sec: longest wait for one reply, in (0, 3600].

    Returns:
        One line for each group of words, with its origin, and one on contradictions.

    Raises:
        UserError: an argument, the key, the address or the model is unusable; nothing is written.
    """
    output = Path(output)
    if not model.strip():
        raise UserError("the vocabulary command needs the name of a chat model")
    if not 0 < timeout_sec <= 3600:
        raise UserError(f"the time-out is {timeout_sec:g} s; it must be in (0, 3600]")
    if output.is_dir() or not output.parent.is_dir():
        raise UserError(
            f"--output {output}: the folder does not exist (or {output} is a folder); "
            "name a file in an existing folder"
        )
    known, chat = AnswerCache(Path(cache), model), Chat(model, timeout_sec)
    curated = json.loads(vocabulary.CURATED.read_bytes())
    words = vocabulary.load().words
    content: _Content = {}
    lines = []
    for question in tqdm(QUESTIONS, unit="question", desc="vocabulary", disable=None, leave=False):
        try:
            answer, source = _ask(question, chat, known)
            group = list(answer.words)
            line = f"{len(group)} words from the model{source}"
            if answer.rejected:
                line += f"; rejected: {answers.summary(answer.rejected)}"
        except UnusableAnswerError as error:
            gender = vocabulary.GENDERS[0] if question.group == "any" else question.group
            group = list(words[gender][question.attribute])
            line = f"kept the curated words: {error}"
        content.setdefault(question.attribute, {})[question.group] = group
        lines.append(f"{question.label}: {line}")
    content["build"] = curated["build"]
    lines.append("build: kept the curated words: the paper's template fixes them")
    rules = _rules_that_apply(curated["contradictions"], content)
    lines.append(f"contradictions: {len(rules)} of {len(curated['contradictions'])} curated rules")
    _write(output, content | {"contradictions": rules})
    return lines


def _ask(question: Question, chat: Chat, known: AnswerCache) -> tuple[Answer, str]:
    """Return a usable answer, and a note if it comes from the cache instead of the model.

    Raises:
        UnusableAnswerError: the model gave no usable answer.
    """
    text = known.get(question.prompt)
    if text is not None:
        try:
            return answers.read(text, question.attribute), " (answer kept from an earlier run)"
        except UnusableAnswerError:
            pass  # the file was edited, or the rules became stricter: ask again
    attempt = 1
    while True:
        try:
            text = chat.answer(question.prompt)
            answer = answers.read(text, question.attribute)
        except NoAnswerError:
            raise
        except UnusableAnswerError:
            if attempt == ASKS:
                raise
            attempt += 1
        else:
            known.put(question.prompt, text)
            return answer, ""


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
