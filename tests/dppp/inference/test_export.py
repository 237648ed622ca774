"""Exported files give PyTorch's features and say how images are brought to their input."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from dppp.inference import Embedder, export


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_export_gives_pytorchs_features(embedder: Embedder, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    assert export(embedder, path) < 1e-4
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 64, 32), dtype=np.uint8)
    expected = embedder.embed_pixels([*torch.from_numpy(pixels).float()])
    if suffix == ".onnx":
        import onnx
        import onnxruntime

        facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert facts["channel_order"] == "RGB" and facts["image_height"] == "64"
        assert facts["model_digest"] == embedder.digest
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = session.run(["features"], {"images": pixels})[0]
    else:
        extra = {"preprocessing.json": ""}
        program = torch.export.load(str(path), extra_files=extra)
        assert json.loads(extra["preprocessing.json"])["image_width"] == "32"
        found = program.module()(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
