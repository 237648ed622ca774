"""tools/benchmark_gate.py on a few identities: the table, and the same one again."""

from pathlib import Path

import processes
from helpers import GENEPERSON_CONFIGS, ROOT

TOOL = ROOT / "tools" / "benchmark_gate.py"
FEW = (
    *("--config-file", GENEPERSON_CONFIGS / "sdxl.yml"),
    *("--identities", 2, "--crowd", 10),
    *("CANVAS.COLUMNS", 4, "CANVAS.ROWS", 3),
)


def test_planted_failures_are_counted(tmp_path: Path) -> None:
    run = processes.run(TOOL, *FEW, "--sheet", "sheet.png", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in run.stdout.splitlines()
        if line.startswith("|")
    ]
    seen = rows.index(["Seen turned", "error", "cells", "rejected"])
    table = {row[0]: row[1:] for row in rows[:seen]}
    identities = {row[0]: row[1:] for row in rows[seen:]}
    assert table["(right cells)"][0] == "24"
    assert table["another person"][0] == "4"  # two cells of each canvas
    for failure in ("another person", "no legs", "touching pair"):
        assert table[failure][-1] == "100.0 %", run.stdout
    assert table["(right cells)"][-1] == "0.0 %"
    assert table["another person"][-2] == "100.0 %"  # by the rule that looks for it
    assert rows[seen + 2] == ["(right cells)", "1 %", "120", "0.0 %"]
    assert rows[seen + 3] == ["by 180 degrees", "1 %", "120", "100.0 %"]
    assert identities["different (lost)"] == ["10", "0.0 %"]
    assert identities["drawn again (caught)"] == ["1", "100.0 %"]
    assert (tmp_path / "sheet.png").is_file()
    assert processes.run(TOOL, *FEW, cwd=tmp_path).stdout == run.stdout
