"""An installed wheel works outside the checkout: commands, package data, and a build."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from helpers import ROOT

DATA = (
    "geneperson/prompting/vocabulary.json",
    "geneperson/prompting/vocabulary_street.json",
    "geneperson/prompting/interview/banned_words.json",
    "dppp/modeling/clip_models/DPPP-Tiny-8-quickgelu.json",
    "dppp/modeling/clip_weights/DPPP-Tiny-8-quickgelu.procedural.safetensors",
    "dppp_commands/train.py",
)


def run(command: Sequence[object], cwd: Path) -> str:
    """Run a command without the checkout in its environment; return what it prints."""
    result = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is written into the checkout."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    run(["git", "clone", "--quiet", ROOT, source / "checkout"], source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*pip, "--wheel-dir", output, source / "checkout"], source)
    return next(output.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_package_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in DATA if name not in names]


@pytest.mark.slow
def test_an_installed_wheel_builds_a_set_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python, empty = tmp_path / "venv" / "bin" / "python", tmp_path / "empty"
    empty.mkdir()
    run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel],
        empty,
    )
    # The dependencies of this environment come after the wheel; its editable install does not.
    found = run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], empty)
    installed = Path(found.strip())
    (installed / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run([python, "-c", "import geneperson, dppp; print(geneperson.__file__)"], empty)
    assert Path(where.splitlines()[-1]).is_relative_to(installed)

    command = tmp_path / "venv" / "bin" / "geneperson"
    assert "build" in run([command, "--help"], empty)
    assert "--config-file" in run([command.with_name("dppp-train"), "--help"], empty)
    printed = run([command, "build", "--output", "people", "--identities", "3"], empty)
    assert printed.startswith("people: 3 identities, 126 images")
    assert run([command, "verify", "people"], empty) == ""
