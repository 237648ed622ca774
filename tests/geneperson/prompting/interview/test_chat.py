"""A vocabulary from a chat model, with a real HTTP server on loopback that speaks its protocol.

Retries run through the client's own back-off; the server shortens it with ``retry-after-ms``.
"""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import pytest

from chat_server import (
    ENDLESS,
    KEY,
    LABELS,
    OTHERS,
    WORDS,
    ChatServer,
    Reply,
    fails,
    says,
    serve,
    words_for,
)
from geneperson import UserError
from geneperson.prompting import vocabulary
from geneperson.prompting.interview import chat, make_vocabulary
from geneperson.prompting.interview.ask import ASKS
from geneperson.prompting.interview.questions import QUESTIONS
from geneperson.prompting.prompts import identities

CLOSING = "closing"  # the label of the closing line; it names the file
FEW = "{} of 17 groups from the model; the same command asks for the others again"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with serve() as one:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", one.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield one


class Run(Protocol):
    """Make a vocabulary; return its lines as label -> text, and its content ({} without one)."""

    def __call__(
        self, model: str = "tiny", timeout_sec: float = 20.0
    ) -> tuple[dict[str, str], dict]: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def make(model: str = "tiny", timeout_sec: float = 20.0) -> tuple[dict[str, str], dict]:
        output = tmp_path / "words.json"
        interview = make_vocabulary(output, model, tmp_path / "cache", timeout_sec)
        lines = dict(line.split(": ", 1) for line in interview.lines)
        lines[CLOSING] = lines.pop(str(output))
        assert output.exists() == (interview.answered > 0)
        content = json.loads(output.read_text()) if interview.answered else {}
        return lines, content

    return make


def test_good_answers_become_a_vocabulary(server: ChatServer, run: Run, tmp_path: Path) -> None:
    lines, content = run()
    assert server.asked == LABELS
    words = vocabulary.load(tmp_path / "words.json").words
    for question in QUESTIONS:
        good = words_for(question.attribute)
        assert lines[question.label] == f"{len(good)} words from the model"
        assert content[question.attribute][question.group] == good
    for gender in vocabulary.GENDERS:
        assert words[gender]["build"] == vocabulary.load().words[gender]["build"]
    assert set(lines) == {*LABELS, "build", "contradictions", CLOSING}
    assert lines[CLOSING] == "17 of 17 groups from the model"
    people = list(islice(identities(vocabulary.load(tmp_path / "words.json"), 0), 50))
    assert {one.attributes["hair_color"] for one in people} <= set(OTHERS)


def test_requests_hold_the_question_and_nothing_that_a_model_may_refuse(
    server: ChatServer, run: Run
) -> None:
    run("some/model")
    for question, body in zip(QUESTIONS, server.bodies, strict=True):
        assert set(body) == {"model", "messages", "response_format"}
        assert body["model"] == "some/model"
        assert body["messages"] == [{"role": "user", "content": question.prompt}]
    assert server.keys == {f"Bearer {KEY}"}


def test_contradictions_stay_where_their_words_do(
    server: ChatServer, run: Run, tmp_path: Path
) -> None:
    lines, content = run()
    assert content["contradictions"] == [
        {"upper_wear": ["coat"], "lower_wear": ["shorts"]},
        {"upper_wear": ["coat"], "footwear": ["sandals"]},
    ]
    assert lines["contradictions"] == "2 of 14 curated rules"
    loaded = vocabulary.load(tmp_path / "words.json")
    assert not loaded.compatible({"upper_wear": "coat", "footwear": "sandals"})


def test_a_second_run_asks_nothing_and_needs_no_key(
    server: ChatServer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    first = (tmp_path / "words.json").read_bytes()
    monkeypatch.delenv("OPENAI_API_KEY")
    lines, _ = run()
    assert len(server.asked) == len(QUESTIONS)
    assert (tmp_path / "words.json").read_bytes() == first
    assert lines["skin_color"] == "5 words from the model (answer kept from an earlier run)"


def test_another_model_is_asked_anew(server: ChatServer, run: Run) -> None:
    run("one")
    run("two")
    run("one")  # still cached
    assert server.asked == LABELS * 2


def test_the_cache_says_what_was_asked_and_answered(
    server: ChatServer, run: Run, tmp_path: Path
) -> None:
    run()
    files = list((tmp_path / "cache").iterdir())
    assert len(files) == len(QUESTIONS)
    for file in files:
        kept = json.loads(file.read_text())
        assert set(kept) == {"request", "model", "question", "answer"}
        assert kept["request"] == file.stem and kept["model"] == "tiny"


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: "",
        lambda kept: json.dumps(kept)[:-20],
        lambda kept: "[]",
        lambda kept: "\0" * 50,
        lambda kept: json.dumps(kept | {"model": "other"}),
        lambda kept: json.dumps(kept | {"question": "Who are you?"}),
        lambda kept: json.dumps(kept | {"answer": 3}),
        lambda kept: json.dumps(kept | {"answer": '{"words": ["girl"]}'}),
    ],
)
def test_a_damaged_cache_file_is_asked_again(
    server: ChatServer, run: Run, tmp_path: Path, damage: Callable[[dict], str]
) -> None:
    run()
    whole = (tmp_path / "words.json").read_bytes()
    files = {json.loads(file.read_text())["question"]: file for file in tmp_path.glob("cache/*")}
    file = files[QUESTIONS[3].prompt]
    kept = file.read_text()
    file.write_text(damage(json.loads(kept)))
    run()
    assert server.asked == [*LABELS, LABELS[3]]
    assert (tmp_path / "words.json").read_bytes() == whole and file.read_text() == kept


def test_rejected_words_are_named_and_prose_is_skipped(server: ChatServer, run: Run) -> None:
    entries = [*OTHERS, "Nike red", "TEAL", 7]
    server.scripts["upper_color"] = [says(f"Sure:\n{json.dumps({'words': entries})}\nEnjoy!")]
    lines, content = run()
    assert content["upper_color"] == {"any": OTHERS}
    assert lines["upper_color"] == (
        "5 words from the model; rejected: 'Nike red' (brands), 'TEAL' (repeated), '7' (not text)"
    )


UNUSABLE = {
    "prose": (says("Reds and blues are nice."), "the answer has no JSON object"),
    "empty": (says(""), "the answer is empty"),
    "null": (says(None), "the answer is empty"),
    "few": (says('{"words": ["red", "baby pink"]}'), "1 usable words"),
    "cut": (says('{"words": ["red", "bl', "length"), "the answer was cut off"),
    "cut unsaid": (says('{"words": ["red", "bl'), "the answer has no JSON object"),
    "refusal": (says(None, refusal="I can't."), "the model refused to answer"),
    "filter": (says(None, "content_filter"), "the model refused to answer"),
    "key": (says(json.dumps({"words": [*OTHERS, KEY]})), "the answer repeats the key"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_answer_that_stays_unusable_leaves_the_curated_words(
    server: ChatServer, run: Run, tmp_path: Path, kind: str
) -> None:
    reply, reason = UNUSABLE[kind]
    server.scripts["hairstyle/woman"] = [reply]
    lines, content = run()
    assert lines["hairstyle/woman"].startswith("kept the curated words: ")
    assert reason in lines["hairstyle/woman"]
    curated = vocabulary.load().words["woman"]["hairstyle"]
    assert content["hairstyle"] == {"woman": list(curated), "man": OTHERS}
    assert server.asked.count("hairstyle/woman") == ASKS
    assert len(list(tmp_path.glob("cache/*"))) == len(QUESTIONS) - 1
    server.scripts.clear()
    lines, content = run()  # the same command asks what it lacks, and nothing else
    assert server.asked.count("hairstyle/woman") == ASKS + 1
    assert len(server.asked) == len(QUESTIONS) + ASKS
    assert content["hairstyle"] == {"woman": OTHERS, "man": OTHERS}


def test_an_unusable_answer_may_be_followed_by_a_good_one(server: ChatServer, run: Run) -> None:
    server.scripts["skin_color"] = [says("Hm."), says('{"words": ["girl"]}'), Reply()]
    lines, _ = run()
    assert lines["skin_color"] == "5 words from the model"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("<html>Sign in</html>"),
        Reply('{"choices": [', headers={"Content-Type": "application/json"}),
        *(Reply(body) for body in ({}, [], {"choices": []}, {"choices": None}, {"choices": [{}]})),
    ],
    ids=str,
)
def test_replies_of_another_protocol(server: ChatServer, run: Run, reply: Reply) -> None:
    server.scripts["footwear_color"] = [reply]
    lines, _ = run()
    assert lines["footwear_color"] == (
        "kept the curated words: the server's reply is not a chat completion"
    )
    assert server.asked.count("footwear_color") == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_failure_is_tried_again(server: ChatServer, run: Run, status: int) -> None:
    server.scripts["upper_pattern"] = [fails(status), fails(status), Reply()]
    lines, _ = run()
    assert lines["upper_pattern"] == "5 words from the model"
    assert server.asked.count("upper_pattern") == 3


@pytest.mark.parametrize("status", [429, 500])
def test_a_lasting_failure_costs_one_group(server: ChatServer, run: Run, status: int) -> None:
    server.scripts["lower_wear/man"] = [fails(status)]
    lines, content = run()
    kept = list(vocabulary.load().words["man"]["lower_wear"])
    assert lines["lower_wear/man"] == f"kept the curated words: the server answers HTTP {status}"
    assert content["lower_wear"] == {"woman": WORDS["lower_wear"], "man": kept}
    assert server.asked.count("lower_wear/man") == 1 + chat.RETRIES
    assert len(server.asked) == len(QUESTIONS) + chat.RETRIES


def test_a_server_that_keeps_failing_is_not_pestered(server: ChatServer, run: Run) -> None:
    server.scripts = {label: [fails(500)] for label in LABELS[:2]}
    server.scripts[LABELS[4]] = [fails(500), Reply()]
    lines, _ = run()
    assert [server.asked.count(label) for label in LABELS[:5]] == [1 + chat.RETRIES, 1, 1, 1, 2]
    assert lines[LABELS[4]] == "5 words from the model"
    assert lines[CLOSING] == FEW.format(15)


def test_three_unanswered_questions_in_a_row_are_the_last(server: ChatServer, run: Run) -> None:
    server.scripts = {label: [fails(503)] for label in LABELS[5:]}
    lines, content = run()
    assert server.asked[-1] == LABELS[7] and server.asked.count(LABELS[7]) == 1
    assert [lines[label] for label in LABELS[5:8]] == [
        "kept the curated words: the server answers HTTP 503"
    ] * 3
    assert {lines[label] for label in LABELS[8:]} == {
        "kept the curated words: not asked after 3 unanswered questions in a row"
    }
    assert lines[CLOSING] == FEW.format(5)
    woman = vocabulary.load().words["woman"]
    assert content["hair_color"] == {"any": list(woman["hair_color"])}
    assert content["upper_color"] == {"any": OTHERS}


def test_known_answers_are_used_when_the_server_stopped_answering(
    server: ChatServer, run: Run
) -> None:
    server.scripts = {label: [fails(400)] for label in LABELS[:3]}
    server.scripts[LABELS[1]] = [Reply()]  # an answer between: not in a row
    assert run()[0][CLOSING] == FEW.format(15)
    server.scripts = {label: [fails(503)] for label in LABELS}
    lines, _ = run(model="tiny")
    assert lines[CLOSING] == FEW.format(15)


def test_an_unusable_answer_is_an_answer(server: ChatServer, run: Run) -> None:
    server.scripts = {label: [says("No.")] for label in LABELS[:5]}
    assert run()[0][CLOSING] == FEW.format(12)


@pytest.mark.parametrize(
    ("reply", "asked"), [(says("No."), 17 * ASKS), (fails(400), 3 * 2), (fails(503), 7)]
)
def test_without_any_answer_there_is_no_file(
    server: ChatServer, run: Run, tmp_path: Path, reply: Reply, asked: int
) -> None:
    server.scripts = {label: [reply] for label in LABELS}
    lines, content = run()
    assert len(server.asked) == asked and not content
    assert lines[CLOSING] == "0 of 17 groups from the model; the file is not written"
    assert set(lines) == {*LABELS, CLOSING}
    assert not list(tmp_path.iterdir())


def test_a_slow_answer_costs_one_group(server: ChatServer, run: Run) -> None:
    server.scripts["skin_color"] = [Reply(wait_sec=60.0)]
    lines, _ = run(timeout_sec=3.0)
    assert lines["skin_color"] == "kept the curated words: no answer within 3 s"
    assert server.asked.count("skin_color") == 1 and lines[CLOSING] == FEW.format(16)


@pytest.mark.parametrize("drip", ["body", "all"])
def test_an_answer_that_drips_costs_one_group(server: ChatServer, run: Run, drip: str) -> None:
    """After half a minute it would be complete, and good; no single byte is late."""
    server.scripts["lower_color"] = [Reply(drip=drip)]
    lines, _ = run(timeout_sec=3.0)
    assert lines["lower_color"] == "kept the curated words: no answer within 3 s"
    assert server.asked.count("lower_color") == 1 and lines[CLOSING] == FEW.format(16)


def test_the_time_is_that_of_all_attempts(server: ChatServer, run: Run) -> None:
    unusable = says("Hm.")
    unusable.wait_sec = 2.0
    server.scripts["lower_color"] = [unusable]
    server.scripts["skin_color"] = [fails(500, **{"retry-after-ms": "50000"})]
    lines, _ = run(timeout_sec=3.0)
    for label in ("lower_color", "skin_color"):
        assert lines[label] == "kept the curated words: no answer within 3 s"
    assert server.asked.count("lower_color") == 2 and server.asked.count("skin_color") == 1


@pytest.mark.parametrize("status", [200, 400, 404])
def test_an_endless_reply_is_cut_off(server: ChatServer, run: Run, status: int) -> None:
    server.scripts["lower_color"] = [Reply(b" " * 100_000, status, endless=True)]
    if status == 404:
        with pytest.raises(UserError, match="has no model"):
            run()
    else:
        reason = "is longer than 1000000 bytes" if status == 200 else "answers HTTP 400"
        assert reason in run()[0]["lower_color"]
    assert server.asked.count("lower_color") == (2 if status == 400 else 1)
    server.released.set()
    while len(server.sent) < server.asked.count("lower_color"):
        time.sleep(0.01)
    assert max(server.sent) < ENDLESS


def test_a_long_reply_is_read_whole(server: ChatServer, run: Run) -> None:
    good = says(json.dumps({"words": OTHERS}), reasoning="Hm. " * 200_000)
    server.scripts["lower_color"] = [good]
    assert run()[0]["lower_color"] == "5 words from the model"


def test_no_reply_is_unpacked(server: ChatServer, run: Run) -> None:
    packed = gzip.compress(json.dumps(says(json.dumps({"words": OTHERS})).body).encode())
    server.scripts["lower_color"] = [Reply(packed, headers={"Content-Encoding": "gzip"})]
    assert "is not a chat completion" in run()[0]["lower_color"]
    assert server.encodings == {"identity"}


def test_no_redirect_is_followed(server: ChatServer, run: Run) -> None:
    elsewhere = {"Location": f"{server.url}/elsewhere"}
    server.scripts["upper_color"] = [Reply({}, 308, elsewhere)]
    with pytest.raises(UserError, match="HTTP 308: it has moved; set OPENAI_BASE_URL"):
        run()
    assert len(server.asked) == 1


def test_a_server_without_schemas_is_asked_in_words(server: ChatServer, run: Run) -> None:
    server.knows_schemas = False
    lines, _ = run()
    assert lines["upper_color"] == "5 words from the model"
    assert ["response_format" in body for body in server.bodies] == [True] + [False] * len(LABELS)
    run()
    assert len(server.asked) == len(LABELS) + 1


def test_a_request_that_is_refused_either_way_costs_one_group(server: ChatServer, run: Run) -> None:
    server.scripts["upper_color"] = [fails(400)]
    server.scripts["upper_pattern"] = [fails(429), Reply()]
    lines, _ = run()
    assert lines["upper_color"] == "kept the curated words: the server answers HTTP 400"
    assert lines["upper_pattern"] == "5 words from the model"
    assert all("response_format" in body for body in server.bodies[2:])


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "does not accept the key"), (403, "may not use model 'tiny'"), (404, "has no model")],
)
def test_a_key_or_model_that_is_not_accepted(
    server: ChatServer, run: Run, tmp_path: Path, status: int, advice: str
) -> None:
    server.scripts["upper_color"] = [fails(status)]
    with pytest.raises(UserError, match=advice) as error:
        run()
    assert "\n" not in str(error.value) and KEY not in str(error.value)
    assert str(status) in str(error.value) and server.url in str(error.value)
    assert len(server.asked) == 1 and not (tmp_path / "words.json").exists()


def test_no_server(
    run: Run, server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:  # bound, but not listening
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:secret@127.0.0.1:{port}/v1?token=secret")
        monkeypatch.setattr(chat, "RETRIES", 0)
        with pytest.raises(
            UserError, match=r"cannot reach .*ConnectionRefused.*OPENAI_BASE_URL"
        ) as error:
            run()
    assert f"http://127.0.0.1:{port}/v1 " in str(error.value) and "\n" not in str(error.value)
    assert "secret" not in str(error.value)
    assert not (tmp_path / "words.json").exists()


@pytest.mark.parametrize("address", ["localhost:8000/v1", "ftp://host/v1", "http://", "http://[x"])
def test_no_address(
    run: Run, server: ChatServer, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(UserError, match="OPENAI_BASE_URL is not the address"):
        run()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "needs a key"),
        ("  ", "needs a key"),
        ("sk-\u2013x", "not allowed"),
        ("a\nb", "not allowed"),
    ],
)
def test_no_key(
    server: ChatServer,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str | None,
    message: str,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match=message) as error:
        run()
    assert "OPENAI_API_KEY" in str(error.value) and "\n" not in str(error.value)
    assert not server.asked and not (tmp_path / "words.json").exists()


def test_any_text_will_do_as_the_key_of_a_local_server(
    server: ChatServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a")
    lines, _ = run()
    assert lines["upper_color"] == "5 words from the model"


def test_the_key_reaches_no_file_and_no_log(
    server: ChatServer,
    run: Run,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    server.scripts["upper_color"] = [fails(429), says(f'{{"words": ["{KEY}"]}}')]
    server.scripts["skin_color"] = [fails(500)]
    lines, _ = run()
    printed = capfd.readouterr()
    assert KEY not in "".join([*lines.values(), printed.out, printed.err, caplog.text])
    assert not [record for record in caplog.records if record.name.startswith("httpx")]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 1 + len(QUESTIONS) - 2
    assert not [file for file in files if KEY.encode() in file.read_bytes()]


def test_without_the_package(server: ChatServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(UserError, match="the vocabulary command needs the package openai: pip"):
        run()


def test_ctrl_c_keeps_the_answers(server: ChatServer, run: Run, tmp_path: Path) -> None:
    server.scripts[LABELS[4]] = [Reply(wait_sec=60.0), Reply()]
    code = (
        "import signal, sys; from geneperson.prompting.interview import make_vocabulary; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a background job ignores it
        "make_vocabulary(sys.argv[1], 'tiny', sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "words.json"), str(tmp_path / "cache")]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        while len(server.asked) < 5 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert not list(tmp_path.glob("*words.json*")) and len(list(tmp_path.glob("cache/*"))) == 4
    run()
    assert server.asked == [*LABELS[:5], *LABELS[4:]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": " "}, "name of a chat model"),
        ({"timeout_sec": 0.0}, "--timeout 0: must be"),
        ({"timeout_sec": float("nan")}, "--timeout nan: must be"),
        ({"timeout_sec": float("inf")}, "--timeout inf: must be"),
        ({"output": "."}, "name a file in an existing folder"),
        ({"output": "nowhere/words.json"}, "name a file in an existing folder"),
        ({"cache": "taken"}, "cache .*taken.*name a folder"),
    ],
)
def test_arguments_that_cannot_be_used(
    server: ChatServer, tmp_path: Path, changes: dict, message: str
) -> None:
    (tmp_path / "taken").write_text("")
    arguments = {"output": "words.json", "model": "tiny", "cache": "cache"} | changes
    for name in ("output", "cache"):
        arguments[name] = tmp_path / arguments[name]
    with pytest.raises(UserError, match=message) as error:
        make_vocabulary(**arguments)
    assert "\n" not in str(error.value) and not server.asked
