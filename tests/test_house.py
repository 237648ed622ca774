"""The walls of the house: imports run one way, without circles, and the packages stay apart."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from helpers import ROOT

PACKAGES = ROOT / "projects" / "DPPP"
# Room -> the rooms it may import; modules at a package's root are open to all.
ALLOWED = {
    "geneperson": {
        "worlds": set(),
        "prompting": {"worlds"},
        "posing": {"worlds"},
        "dataset": {"worlds", "posing"},
        "synthesis": {"prompting", "posing", "worlds"},
        "compositing": {"posing", "worlds"},
        "pipeline": {
            "compositing", "dataset", "posing", "prompting", "synthesis", "worlds",
        },
        "commands": {"pipeline", "posing", "prompting"},
    },
    "dppp": {
        "data": set(),
        "losses": set(),
        "evaluation": set(),
        "modeling": {"losses"},
        # config.py asks the model of a config whether it can use it, so it is above modeling
        "config": {"modeling"},
        "pretraining": {"data", "evaluation", "losses", "modeling", "config"},
        "engine": {"data", "evaluation", "losses", "modeling", "config"},
        "inference": {"data", "evaluation", "losses", "modeling", "config"},
        "reproduce": {"data", "evaluation", "losses", "modeling", "config", "engine", "inference"},
    },
    "dppp_commands": {},
}  # fmt: skip
# Modules at the root that open the package to others; nothing below them imports them.
ENTRANCES = {
    "geneperson": {"__init__", "command_line"}, "dppp": {"__init__"}, "dppp_commands": set(),
}  # fmt: skip
DRAWING = ("torch", "diffusers", "transformers", "rembg", "onnxruntime", "openai")
TRAINING = ("dppp", "torch", "fastreid", "open_clip", "sklearn", "numpy")
# What runs a part of stage 2, with the words that come before its options.
TOOLS = (
    "export", "extract", "reproduce", "search", "train_net", "validate_dataset", "visualize",
    "pretrain_clip", "benchmark", "benchmark train", "benchmark generate",
)  # fmt: skip


def modules(package: str) -> dict[str, Path]:
    """Dotted name -> file of every module of a package."""
    found = {}
    for path in (PACKAGES / package).rglob("*.py"):
        parts = path.relative_to(PACKAGES).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, *, at_top: bool = False) -> set[str]:
    """Dotted names that a module imports: anywhere, or by the statements at its top alone."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if at_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = (base if node.level else []) + ([node.module] if node.module else [])
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return found


def module_arrows(package: str) -> dict[str, set[str]]:
    """Module -> the modules of its package that must be loaded before it."""
    files = modules(package)
    arrows = {}
    for name, path in files.items():
        targets = imports(name, path, at_top=True)
        # "from .x import y" names the module x.y if it exists, else x
        arrows[name] = {one if one in files else one.rpartition(".")[0] for one in targets}
        arrows[name] &= set(files) - {name}
    return arrows


def room(name: str) -> str | None:
    """The room a module is in; None for a module at the root of its package."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ALLOWED[parts[0]] else None


@pytest.mark.parametrize("package", ALLOWED)
def test_every_room_has_a_rule(package: str) -> None:
    rooms = {path.parent.name for path in (PACKAGES / package).glob("*/__init__.py")}
    assert rooms == set(ALLOWED[package]) - {"config"}


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package: str) -> None:
    wrong = []
    for name, path in modules(package).items():
        own = room(name)
        for target in imports(name, path):
            if not target.startswith(f"{package}."):
                continue
            other = room(target)
            if own is None:
                entrance = path.stem in ENTRANCES[package] and path.parent.name == package
                allowed = entrance or other is None
            else:
                allowed = other in (None, own) or other in ALLOWED[package][own]
            if not allowed:
                wrong.append(f"{name} imports {target}")
    assert not wrong


@pytest.mark.parametrize("package", ALLOWED)
def test_the_rules_have_no_circle(package: str) -> None:
    TopologicalSorter(ALLOWED[package]).prepare()


@pytest.mark.parametrize("package", ALLOWED)
def test_modules_have_no_circle(package: str) -> None:
    TopologicalSorter(module_arrows(package)).prepare()


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("geneperson", {"dppp", "dppp_commands", "fastreid"}),
        ("dppp", {"geneperson", "diffusers", "dppp_commands"}),
        ("dppp_commands", {"geneperson", "diffusers"}),
    ],
)
def test_the_packages_meet_only_on_disk(package: str, forbidden: set[str]) -> None:
    for name, path in modules(package).items():
        roots = {target.split(".")[0] for target in imports(name, path)}
        assert not roots & forbidden, name


def test_the_root_of_geneperson_shows_the_stages() -> None:
    files = list((PACKAGES / "geneperson").glob("*.py"))
    assert len(files) <= 10


@pytest.mark.parametrize(
    "command", ["--help", "verify --help", "build --nonsense", "verify {data}", "stats {data}"]
)
def test_what_draws_nothing_in_stage_1_loads_no_model_package(
    data_root: Path, command: str
) -> None:
    arguments = command.format(data=data_root / "GenePersonToy").split()
    script = (
        "import sys; from geneperson.command_line import entry\n"
        f"sys.argv[1:] = {arguments}\n"
        "try: entry()\n"
        f"finally: print('loaded:', [m for m in {DRAWING} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout.strip().endswith("loaded: []"), result.stdout + result.stderr
    assert result.returncode == (2 if "--nonsense" in command else 0), result.stderr


@pytest.mark.parametrize(
    "command",
    [
        *(f"{tool} --help" for tool in TOOLS),
        *(f"{tool} --nonsense" for tool in TOOLS),
        "export --model m.pth --output m.txt",
        "extract images --model m.pth --output f.csv",
        "reproduce table7",
        "reproduce table4 --seeds 0",
        "search --model m.pth --gallery f.npz --query q.jpg --top 0",
        "search --model m.pth --gallery f.npz --query q.jpg --attention",
        "train_net --num-gpus two",
        "visualize --config-file c.yml --output d --queries 21",
        "pretrain_clip --output d --seed -1",
        "benchmark draw",
        "benchmark train --rounds 0",
    ],
)
def test_arguments_of_stage_2_are_read_before_anything_slow_is_imported(command: str) -> None:
    tool, *arguments = command.split()
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['tools/{tool}.py', *{arguments}]\n"
        "sys.path.insert(0, 'tools')\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        f"finally: print('loaded:', [m for m in {TRAINING} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert result.stdout.strip().endswith("loaded: []"), result.stdout + result.stderr
    if "--help" in arguments:
        assert (result.returncode, result.stderr) == (0, "")
    else:
        assert result.returncode == 2
        assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_no_file_is_long() -> None:
    for package in ALLOWED:
        for name, path in modules(package).items():
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, name
