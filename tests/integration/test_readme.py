"""Every command of the READMEs exists, with its options, its config and its settings."""

import re
import shlex

import pytest

from dppp.config import load_config
from geneperson import load
from helpers import ROOT

PAGES = ("README.md", "datasets/README.md")
FASTREID_OPTIONS = '"--config-file" "--eval-only" "--resume" "--num-gpus"'  # of train_net.py


def commands() -> list[str]:
    """The lines of code blocks that run a tool, without comments, continued lines joined."""
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
        found += re.findall(
            r"^ {4}(?:\w+=\S+ )?(python tools/[^\n]*?)(?: +#.*)?$", text, re.MULTILINE
        )
    return found


def source(script: str) -> str:
    """A tool's own text, and that of the options which several tools share."""
    shared = ROOT / "projects" / "DPPP" / "dppp" / "inference" / "arguments.py"
    return (ROOT / script).read_text() + shared.read_text() + FASTREID_OPTIONS


def test_the_pages_have_commands() -> None:
    tools = {command.split()[1] for command in commands()}
    assert tools == {path.relative_to(ROOT).as_posix() for path in (ROOT / "tools").glob("*.py")}


@pytest.mark.parametrize("command", commands())
def test_command(command: str) -> None:
    _, script, *arguments = shlex.split(command)
    text = source(script)
    if script == "tools/geneperson_gen.py":
        assert f'add_parser("{arguments[0]}"' in re.sub(r"\(\s+", "(", text)
    for option in (one for one in arguments if one.startswith("--")):
        assert f'"{option}"' in text, option
    if "--config-file" not in arguments:
        return
    config = ROOT / arguments[arguments.index("--config-file") + 1]
    settings = [one for one in arguments if re.fullmatch(r"[A-Z_]+(\.[A-Z_]+)+", one)]
    values = [arguments[arguments.index(key) + 1] for key in settings]
    pairs = [text for pair in zip(settings, values, strict=True) for text in pair]
    if script == "tools/geneperson_gen.py":
        load(config, pairs)
    else:
        load_config(str(config), [*pairs, "MODEL.DEVICE", "cpu"])


@pytest.mark.parametrize("page", [*PAGES, "projects/DPPP/README.md", "docs/ablations.md"])
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
