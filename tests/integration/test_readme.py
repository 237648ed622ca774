"""The tools' own parsers accept every command line of the pages, with its config and keys."""

import importlib.metadata
import re
import runpy
import shlex
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dppp.commands import export, extract, reproduce, search, train, validate, visualize
from dppp.config import load_config
from geneperson import load
from geneperson.command_line import build_parser
from helpers import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "datasets" / "README.md",
        ROOT / "projects" / "DPPP" / "README.md",
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
BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines() -> list[str]:
    """All lines of fenced shell blocks, continued lines joined, without comments."""
    found = []
    for page in PAGES:
        for block in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
            found += [line.strip() for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in found if line and not line.startswith("#")]


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """The tool and the arguments of each line that runs one of tools/ or a console script."""
    found = []
    for line in lines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):  # environment variables
            words.pop(0)
        if words[:1] == ["python"] and words[1].startswith("tools/"):
            found.append((Path(words[1]).stem, tuple(words[2:])))
        elif words and words[0].startswith(("geneperson", "dppp-")):
            found.append((TOOL_OF[words[0]], tuple(words[1:])))
    return list(dict.fromkeys(found))


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
    if tool == "geneperson_gen":
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
