"""tools/benchmark_ranking.py on few images, where there is no Cython."""

from pathlib import Path

import processes
from helpers import ROOT

TOOL = ROOT / "tools" / "benchmark_ranking.py"


def test_prints_the_ratio(tmp_path: Path) -> None:
    (tmp_path / "Cython.py").write_text("raise ImportError")
    size = ["--queries", 40, "--gallery", 500, "--identities", 9]
    no_cython = {"PYTHONPATH": str(tmp_path)}  # read by the process that compiles
    run = processes.run(TOOL, *size, cwd=tmp_path, environment=no_cython)
    assert run.returncode == 0, run.stderr
    head, *_, ours, python, cython = run.stdout.strip().splitlines()
    assert head.startswith("40 queries, 500 gallery images")
    assert "not available: no compiler or no Cython" in cython
    ours, python = ([cell.strip() for cell in row.split("|")] for row in (ours, python))
    assert ours[3] == "1.0"
    assert float(python[3]) > 0
    assert ours[4] == python[4]  # mAP
