"""A vocabulary from a chat model: every question asked, every answer checked, one file written.

A group of words (an attribute, or an attribute of one gender) comes from the model or from the
curated vocabulary as a whole; the two are never mixed.
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

ASKS = 3  # times one question is put until the answer is usable

_Content = dict[str, dict[str, list[str]]]  # attribute -> group -> words


def make_vocabulary(
    output: str | Path, model: str, cache: str | Path, timeout_sec: float = 60.0
) -> list[str]:
    """Ask a chat model for words and write them as a vocabulary file.

    Answers that could be used are kept in the cache, so that the same command asks only what is
    missing: after an interruption, or where the model gave no usable answer.

    Args:
        output: JSON file to write, for VOCABULARY.FILE.
        model: name of the model as the server knows it.
        cache: folder of answers.
        timeout_sec: longest wait for one reply, in (0, 3600].

    Returns:
        One line a group of words that says where its words come from, and one on contradictions.

    Raises:
        UserError: arguments, key, address or model that cannot be used; nothing is written then.
    """
    output = Path(output)
    if not model.strip():
        raise UserError("the vocabulary command needs the name of a chat model")
    if not 0 < timeout_sec <= 3600:
        raise UserError(f"the time-out is {timeout_sec:g} s, must be in (0, 3600]")
    if output.is_dir() or not output.parent.is_dir():
        raise UserError(f"output {output}: a file in a folder that is there is expected")
    known, chat = AnswerCache(Path(cache), model), Chat(model, timeout_sec)
    curated = json.loads(vocabulary.CURATED.read_bytes())
    words = vocabulary.load().words
    content: _Content = {}
    lines = []
    for question in tqdm(QUESTIONS, unit="question", desc="vocabulary", disable=None, leave=False):
        try:
            found, source = _ask(question, chat, known)
            group = list(found.words)
            line = f"{len(group)} words from the model{source}"
            if found.refused:
                line += f"; refused: {answers.summary(found.refused)}"
        except UnusableAnswerError as error:
            gender = vocabulary.GENDERS[0] if question.group == "any" else question.group
            group = list(words[gender][question.attribute])
            line = f"kept the curated words: {error}"
        content.setdefault(question.attribute, {})[question.group] = group
        lines.append(f"{question.label}: {line}")
    content["build"] = curated["build"]
    lines.append("build: kept the curated words: the paper's template names them")
    rules = _rules_that_apply(curated["contradictions"], content)
    lines.append(f"contradictions: {len(rules)} of {len(curated['contradictions'])} curated rules")
    _write(output, content | {"contradictions": rules})
    return lines


def _ask(question: Question, chat: Chat, known: AnswerCache) -> tuple[Answer, str]:
    """Find a usable answer, in the cache or from the model, and say which of the two.

    Raises:
        UnusableAnswerError: the model gave none.
    """
    text = known.get(question.prompt)
    if text is not None:
        try:
            return answers.read(text, question.attribute), " (answer kept from an earlier run)"
        except UnusableAnswerError:
            pass  # a file somebody changed, or rules that became stricter: ask again
    problem = None
    for _ in range(ASKS):
        try:
            text = chat.answer(question.prompt)
            answer = answers.read(text, question.attribute)
        except NoAnswerError:
            raise
        except UnusableAnswerError as error:
            problem = error
        else:
            known.put(question.prompt, text)
            return answer, ""
    raise problem


def _rules_that_apply(rules: list[dict[str, list[str]]], content: _Content) -> list[dict]:
    """Narrow contradictions to words that are still there; a rule with an empty side goes."""
    there = {
        attribute: {word for words in groups.values() for word in words}
        for attribute, groups in content.items()
    }
    narrowed = [
        {name: [word for word in listed if word in there[name]] for name, listed in rule.items()}
        for rule in rules
    ]
    return [rule for rule in narrowed if all(rule.values())]


def _write(output: Path, content: dict) -> None:
    """Write the file, once the package itself has read it without complaint."""
    text = to_json(content)
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / output.name
        trial.write_bytes(text)
        vocabulary.load(trial)
    write_atomic(output, text)
