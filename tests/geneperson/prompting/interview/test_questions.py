"""The questions are the paper's, one for every group of words, and their examples pass."""

import json

import pytest

from geneperson.prompting import vocabulary
from geneperson.prompting.interview import answers
from geneperson.prompting.interview.forms import response_format
from geneperson.prompting.interview.questions import (
    MAX_WORDS,
    MIN_WORDS,
    QUESTIONS,
    Question,
)


def texts() -> str:
    return "\n".join(question.text for question in QUESTIONS)


def test_every_attribute_but_the_build_is_asked_for_both_genders_once() -> None:
    asked = [
        (question.attribute, gender)
        for question in QUESTIONS
        for gender in (vocabulary.GENDERS if question.group == "any" else [question.group])
    ]
    wanted = {(name, gender) for name in vocabulary.ATTRIBUTES for gender in vocabulary.GENDERS}
    assert set(asked) == wanted - {("build", "woman"), ("build", "man")}
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(
    "wording",
    [
        "Please list specific color names",
        "What types of patterns are used in clothing design?",
        "What are the styles of upper wear in women's fashion?",
        "What are the styles of lower wear in men's fashion?",
        "What are the styles of footwear in women's fashion?",
        "What are common types of men's body shape?",
        "What are the different kinds of women's hairstyles?",
        "Please list the common skin colors.",
    ],
)
def test_the_papers_wording(wording: str) -> None:
    assert wording in texts()


def test_no_two_requests_and_no_two_labels_are_alike() -> None:
    assert len({question.prompt for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question.label for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.label)
def test_prompts_ask_for_words_that_would_be_accepted(question: Question) -> None:
    prompt = question.prompt
    assert question.text in prompt and f"{MIN_WORDS} to {MAX_WORDS}" in prompt
    assert "adults only" in prompt and "brands" in prompt
    form = json.loads(prompt[prompt.index("{") :])
    assert list(form) == response_format()["json_schema"]["schema"]["required"]
    assert "___" in question.gap
    gender = "woman" if question.group == "any" else question.group
    words = [question.example, *vocabulary.load().words[gender][question.attribute][:12]]
    answer = answers.read(json.dumps({"words": list(dict.fromkeys(words))}), question.attribute)
    assert answer.words[0] == question.example and not answer.rejected


def test_the_form_is_one_that_a_strict_server_can_enforce() -> None:
    schema = response_format()["json_schema"]["schema"]
    assert schema["type"] == "object" and schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(schema["required"]) == {"words"}
    words = schema["properties"]["words"]
    assert (words["type"], words["items"]) == ("array", {"type": "string"})
