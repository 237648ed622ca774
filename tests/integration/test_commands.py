"""The commands without fastreid, and the one version number."""

import importlib.metadata
import subprocess
import sys

import pytest
import yaml

import dppp
import geneperson
from helpers import ROOT

WITHOUT_FASTREID = """
import importlib.metadata, runpy, sys

def version(name):
    raise importlib.metadata.PackageNotFoundError(name)

importlib.metadata.version = version
sys.argv = [{tool!r}, *{arguments}]
runpy.run_path({tool!r}, run_name="__main__")
"""


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [("train_net", []), ("validate_dataset", ["folder"]), ("reproduce", ["table4"])],
)
def test_without_fastreid_one_line_names_the_cure(tool: str, arguments: list[str]) -> None:
    path = str(ROOT / "tools" / f"{tool}.py")
    script = WITHOUT_FASTREID.format(tool=path, arguments=arguments)
    result = subprocess.run(
        [sys.executable, "-c", script], cwd="/", capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: dppp needs fastreid 1.4.0, not installed")
    assert result.stderr.count("\n") == 1 and "pip install --no-deps" in result.stderr


def test_one_version_number() -> None:
    version = importlib.metadata.version("dppp-fastreid")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert dppp.__version__ == geneperson.__version__ == citation["version"] == version
