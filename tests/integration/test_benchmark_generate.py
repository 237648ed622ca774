"""tools/benchmark_generate.py: its table on a small network, and the U2Net that it writes."""

import runpy
from collections import Counter
from pathlib import Path

import pytest

import processes
import tiny_models as tiny
from helpers import ROOT

TOOL = ROOT / "tools" / "benchmark_generate.py"


def test_matting(tmp_path: Path) -> None:
    model = tiny.save_saliency(tmp_path / "net.onnx")
    few = ("--cells", 3, "--rounds", 1, "--batch-size", 2, "--provider", "cpu", "--model", model)
    run = processes.run(TOOL, "matting", *few, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    rows = [line.split("|")[1:-1] for line in run.stdout.splitlines() if line.startswith("|")][2:]
    names, differences = [row[0].strip() for row in rows], [row[3].strip() for row in rows]
    assert names == ["rembg.remove", "ours, one at a time", "ours, 2 at once"]
    assert differences == ["0", "0", "0"]


@pytest.mark.slow
def test_the_random_network_is_u2net(tmp_path: Path) -> None:
    """Operators and number of weights of rembg's u2net.onnx."""
    import onnx

    path = runpy.run_path(str(TOOL))["save_random_u2net"](tmp_path / "random.onnx")
    graph = onnx.load(path).graph
    count = Counter(node.op_type for node in graph.node)
    assert count["Conv"] == 119 and count["Relu"] == 112 and count["Resize"] == 38
    assert count["MaxPool"] == 33 and count["Add"] == 11 and count["Sigmoid"] == 7
    weights = [value for value in graph.initializer if value.data_type == onnx.TensorProto.FLOAT]
    assert sum(onnx.numpy_helper.to_array(value).size for value in weights) == 43_981_069
