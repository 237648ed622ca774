"""The U2Net with random weights that tools/benchmark.py generate times."""

from collections import Counter
from pathlib import Path

import onnx
import pytest

from benchmarks.u2net import save_random_u2net


@pytest.mark.slow
def test_the_random_network_is_u2net(tmp_path: Path) -> None:
    """Operators and number of weights of rembg's u2net.onnx."""
    graph = onnx.load(save_random_u2net(tmp_path / "random.onnx")).graph
    count = Counter(node.op_type for node in graph.node)
    assert count["Conv"] == 119 and count["Relu"] == 112 and count["Resize"] == 38
    assert count["MaxPool"] == 33 and count["Add"] == 11 and count["Sigmoid"] == 7
    weights = [value for value in graph.initializer if value.data_type == onnx.TensorProto.FLOAT]
    assert sum(onnx.numpy_helper.to_array(value).size for value in weights) == 43_981_069
