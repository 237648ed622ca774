"""The questions that ask a chat model for words: the paper's (Sec. III-B and Fig. 2), one a group.

An attribute has one group of words for both genders, ``any``, or one each for ``woman`` and ``man``
where the paper asks about women's and men's fashion. There are no questions for the build, whose
two words are in the paper's template, and for the lighting, whose nine kinds are in
:mod:`~geneperson.worlds.lighting`.
"""

from __future__ import annotations

from dataclasses import dataclass

MIN_WORDS, MAX_WORDS = 12, 24  # requested; as many as the curated groups have

_PROMPT = """{question}

Give {fewest} to {most} different answers. Each is a short phrase in plain English that fits the \
gap in "{gap}"; one good answer is "{example}". Use lower-case letters, no digits. Describe adults \
only. Leave out the names of people and brands, ages, ethnicities, underwear and nudity.

Answer with nothing but a JSON object of this form: {{"words": ["first answer", "second answer"]}}
"""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question about one group of words.

    Attributes:
        attribute: vocabulary attribute, such as "upper_wear".
        group: "any", "woman" or "man".
        text: the question alone.
        gap: phrase with "___" where the answer goes.
        example: an answer from the paper's example prompt (Sec. III-B).
    """

    attribute: str
    group: str
    text: str
    gap: str
    example: str

    @property
    def label(self) -> str:
        """Name for reports: "upper_color", or "hairstyle/woman"."""
        return self.attribute if self.group == "any" else f"{self.attribute}/{self.group}"

    @property
    def prompt(self) -> str:
        """The whole message to the model."""
        return _PROMPT.format(
            question=self.text, gap=self.gap, example=self.example, fewest=MIN_WORDS, most=MAX_WORDS
        )


_HAIRSTYLE = "waist-length hair, straight hair texture, high ponytail, bangs"
_FOR_ALL = (
    ("upper_color", "Please list specific color names of upper wear.", "___ shirt", "pink"),
    ("upper_pattern", "What types of patterns are used in clothing design?", "pink ___ shirt",
     "plaid"),
    ("lower_color", "Please list specific color names of lower wear.", "___ jeans", "black"),
    ("lower_pattern", "What types of patterns are used in the design of lower wear?",
     "black ___ jeans", "distressed"),
    ("footwear_color", "Please list specific color names of footwear.", "___ loafers", "white"),
    ("hair_color", "Please list specific hair color names.", "___ hair", "dark brown"),
    ("skin_color", "Please list the common skin colors.", "___ skin", "warm beige"),
)  # fmt: skip
_BY_GENDER = (
    ("upper_wear", "What are the styles of upper wear in {whose} fashion?", "pink plaid ___",
     "shirt"),
    ("lower_wear", "What are the styles of lower wear in {whose} fashion?", "plain black ___",
     "jeans"),
    ("footwear", "What are the styles of footwear in {whose} fashion?", "white ___", "loafers"),
    ("body_shape", "What are common types of {whose} body shape?", "an adult with a ___",
     "slim figure"),
    ("hairstyle", "What are the different kinds of {whose} hairstyles?", "an adult with ___",
     _HAIRSTYLE),
)  # fmt: skip

QUESTIONS = (
    *(
        Question(attribute=attribute, group="any", text=text, gap=gap, example=example)
        for attribute, text, gap, example in _FOR_ALL
    ),
    *(
        Question(
            attribute=attribute,
            group=gender,
            text=text.format(whose=whose),
            gap=gap,
            example=example,
        )
        for attribute, text, gap, example in _BY_GENDER
        for gender, whose in (("woman", "women's"), ("man", "men's"))
    ),
)
