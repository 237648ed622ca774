"""The command that trains the small CLIP: from drawing people to weights with a card."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import dppp
import dppp.pretraining
from helpers import ROOT

SCRIPT = ROOT / "tools" / "pretrain_clip.py"
WEIGHTS = "DPPP-Tiny-8-quickgelu.procedural.safetensors"


@pytest.mark.slow
def test_from_nothing_to_weights_twice(tmp_path: Path) -> None:
    """The same call again finds everything made; another folder, trained anew, gets the same.

    A probe in the same folder is another run, and completes the card.
    """
    small = "--worlds 2 --identities 12 --epochs 1 --batch-size 32 --dtype fp32 --data data"
    written = []
    for output, options in (("out", []), ("out", []), ("again", []), ("out", ["--probe"])):
        result = subprocess.run(
            [sys.executable, str(SCRIPT), *small.split(), "--output", output, *options],
            cwd=tmp_path,
            env=os.environ | {"FASTREID_DATASETS": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert result.returncode == 0, result.stderr
        if not options:
            written.append((tmp_path / output / WEIGHTS).read_bytes())
            assert "zero-shot" in result.stdout.lower() and str(tmp_path) not in result.stdout
    assert written[0] == written[1] == written[2]
    record = json.loads((tmp_path / "out" / WEIGHTS).with_suffix(".json").read_text())
    assert [one["identities"] for one in record["data"]] == [12, 12]
    assert [one["identities"] for one in record["held_out"].values()] == [130, 90]
    assert set(record["zero_shot"]) == set(record["linear"]) == {"source world", "shifted world"}
    assert record["ceiling"]["accuracy"].keys() == record["linear"].keys()
    assert record["ceiling"]["accuracy"] != record["linear"]
    assert "--probe" in (tmp_path / "out" / WEIGHTS).with_suffix(".md").read_text()
    towers = dppp.modeling.build_clip(record["model"], str(tmp_path / "out" / WEIGHTS), (128, 64))
    assert towers.feature_dim == 128


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "--epochs: 0 is not a whole number, 1 or more"),
        (["--identities", "0"], "--identities: 0 is not"),
        (["--seed", "-1"], "--seed is -1"),
        (["--worlds", "many"], "--worlds: many is not"),
    ],
)
def test_mistakes(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    tool = runpy.run_path(str(SCRIPT))
    with pytest.raises(SystemExit, match="2"):
        tool["parse"](["--output", "out", *arguments])
    assert message in capsys.readouterr().err


def test_a_set_whose_outfits_were_seen_is_refused(data_root: Path) -> None:
    tool = runpy.run_path(str(SCRIPT))
    same = dppp.pretraining.read_pairs([data_root / "GenePersonToy"], (64, 32), ("query",))
    with pytest.raises(dppp.UserError, match="14 outfits of the source world"):
        tool["_refuse_shared_outfits"](same, same, "source world")
