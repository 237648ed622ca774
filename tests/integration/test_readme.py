"""The tools' own parsers accept every command line of the pages, with its config and keys."""

import importlib.metadata
import re
import runpy
import shlex
from argparse import Namespace
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.run import get_args_parser as torchrun_parser

from dppp.config import load_config
from dppp_commands import export, extract, reproduce, search, train, validate, visualize
from geneperson import load
from geneperson.command_line import build_parser
from helpers import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "datasets" / "README.md",
        *(ROOT / "projects" / "DPPP").rglob("*.md"),
    )
)
TOOL_OF = {  # console script -> the script of tools/ that runs the same code
    "geneperson": "geneperson_gen",
    "dppp-train": "train_net",
    "dppp-extract": "extract",
    "dppp-search": "search",
    "dppp-visualize": "visualize",
    "dppp-export": "export",
    "dppp-validate": "validate_dataset",
}
PARSERS: dict[str, Callable[[list[str]], Namespace]] = {
    "geneperson_gen": lambda arguments: build_parser().parse_args(arguments),
    "train_net": train.parse,
    "extract": extract.parse,
    "search": search.parse,
    "visualize": visualize.parse,
    "export": export.parse,
    "validate_dataset": validate.parse,
    "reproduce": reproduce.parse,
}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`((?:[^`\n]|\n(?!\n))+)`(?!`)")  # within a paragraph
# With an argument: `geneperson build` in a sentence is a name.
COMMAND = re.compile(r"(python tools/\S+|torchrun|geneperson [a-z]+|dppp-[a-z]+) \S")
ELLIPSES = {"...", "…"}


def lines() -> list[str]:
    """All lines of fenced shell blocks, continued lines joined, without comments."""
    found = []
    for page in PAGES:
        for language, block in FENCE.findall((ROOT / page).read_text(encoding="utf-8")):
            if language == "bash":
                found += [line.strip() for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in found if line and not line.startswith("#")]


def spans(text: str) -> list[str]:
    """The commands in the sentences of a page, but those that an ellipsis abbreviates."""
    found = [" ".join(span.split()) for span in SPAN.findall(FENCE.sub("", text))]
    return [span for span in found if COMMAND.match(span) and not ELLIPSES & set(span.split())]


def command(line: str) -> tuple[str, tuple[str, ...]] | None:
    """The tool and the arguments of a line that runs one of tools/ or a console script."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):  # environment variables
        words.pop(0)
    if words[:1] == ["torchrun"]:
        args = torchrun_parser().parse_args(words[1:])
        words = ["python", args.training_script, *args.training_script_args]
    if words[:1] == ["python"] and words[1].startswith("tools/"):
        return Path(words[1]).stem, tuple(words[2:])
    if words and words[0].startswith(("geneperson", "dppp-")):
        return TOOL_OF[words[0]], tuple(words[1:])
    return None


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """The different commands of all pages."""
    in_sentences = [spans((ROOT / page).read_text(encoding="utf-8")) for page in PAGES]
    found = [command(line) for line in (*lines(), *chain(*in_sentences))]
    return list(dict.fromkeys(one for one in found if one))


def test_commands_are_found_in_sentences() -> None:
    text = (
        "`geneperson build` is a name, and `geneperson verify\nDIR`, with ``a ` b``, a command,\n"
        "`dppp-train ... SEED 0` is short for one.\n\n```bash\ndppp-train SEED 0\n```\n\n"
        "`dppp-train KEY '...'` is not, nor is `python tools/train_net.py --resume`."
    )
    assert spans(text) == [
        "geneperson verify DIR",
        "dppp-train KEY '...'",
        "python tools/train_net.py --resume",
    ]


def test_commands_are_found_behind_their_launchers() -> None:
    expected = ("train_net", ("--resume", "SEED", "0"))
    assert command("torchrun --nproc_per_node 2 tools/train_net.py --resume SEED 0") == expected
    assert command("A=b dppp-train --resume SEED 0  # twice") == expected
    assert command("make setup") is None
    with pytest.raises(SystemExit):
        command("torchrun --nproc_per_nod_ 2 tools/train_net.py")


def test_every_console_script_has_its_tool() -> None:
    scripts = importlib.metadata.distribution("dppp-fastreid").entry_points
    assert {script.name for script in scripts.select(group="console_scripts")} == set(TOOL_OF)


def test_the_pages_name_every_tool() -> None:
    assert {tool for tool, _ in commands()} == {path.stem for path in (ROOT / "tools").glob("*.py")}


@pytest.mark.parametrize(("tool", "arguments"), commands())
def test_command(tool: str, arguments: tuple[str, ...]) -> None:
    parse = PARSERS.get(tool) or runpy.run_path(str(ROOT / "tools" / f"{tool}.py"))["parse"]
    args: Any = parse(list(arguments))
    config = getattr(args, "config_file", None)
    if not config:
        return
    opts = list(getattr(args, "opts", []))
    if tool in ("geneperson_gen", "benchmark_gate"):
        load(ROOT / config, opts)
    else:
        load_config(str(ROOT / config), opts)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in lines():
        for command in re.split(r";|&&", line.split("#")[0]):
            words = command.split()
            if words[:1] == ["make"]:
                assert {word for word in words[1:] if "=" not in word} <= targets, line


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_page_on_ablations_holds_what_the_commands_wrote() -> None:
    page = (ROOT / "docs" / "ablations.md").read_text(encoding="utf-8")
    tables = sorted((ROOT / "docs" / "ablations").glob("*.md"))
    assert {path.stem for path in tables} == {"table4", "table5", "table6", "pdm", "fig6"}
    for path in tables:
        assert path.read_text(encoding="utf-8").strip() in page, path.name
