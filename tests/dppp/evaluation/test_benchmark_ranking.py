"""tools/benchmark_ranking.py on few images, where there is no Cython."""

import os
import subprocess
import sys
from pathlib import Path

from helpers import ROOT

TOOL = ROOT / "tools" / "benchmark_ranking.py"


def test_prints_the_ratio(tmp_path: Path) -> None:
    (tmp_path / "Cython.py").write_text("raise ImportError")
    run = subprocess.run(
        [sys.executable, TOOL, "--queries", "40", "--gallery", "500", "--identities", "9"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    head, *_, ours, python, cython = run.stdout.strip().splitlines()
    assert head.startswith("40 queries, 500 gallery images")
    assert "not available: no compiler or no Cython" in cython
    ours, python = ([cell.strip() for cell in row.split("|")] for row in (ours, python))
    assert ours[3] == "1.0"
    assert float(python[3]) > 0
    assert ours[4] == python[4]  # mAP
