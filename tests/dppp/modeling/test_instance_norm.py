"""INPUT.INSTANCE_NORM: whatever a camera does to a channel as a whole is gone, in every use."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fastreid.config import CfgNode
from PIL import Image

import dppp
from dppp import DPPPTrainer, UserError
from dppp.engine import evaluate
from dppp.inference import export
from dppp.modeling.build import build_model
from dppp.modeling.instance_norm import instance_normalize
from helpers import BASELINE

Config = Callable[..., CfgNode]
ON = ("INPUT.INSTANCE_NORM", True)


def pictures(count: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(20, 120, (count, 3, 64, 32), generator=generator).float()


def tinted(images: torch.Tensor) -> torch.Tensor:
    """Through another camera: each channel of each image has its own gain and offset."""
    gain = torch.linspace(0.8, 1.9, 3 * len(images)).view(-1, 3, 1, 1)
    return images * gain + 5


def test_each_channel_of_each_image_by_itself() -> None:
    images = pictures()
    expected = torch.empty_like(images)
    for image, result in zip(images / 255, expected, strict=True):
        for channel, out in zip(image, result, strict=True):
            variance = (channel - channel.mean()).square().mean()
            out.copy_((channel - channel.mean()) / (variance + 1e-5).sqrt())
    assert torch.allclose(instance_normalize(images), expected, atol=1e-5)
    assert instance_normalize(torch.full((1, 3, 4, 4), 7.0)).abs().max() < 1e-5


@pytest.mark.parametrize("model", [(), BASELINE], ids=["CLIPDPPP", "Baseline"])
def test_a_tint_leaves_the_features_as_they_are(quickstart: Config, model: tuple) -> None:
    features = {}
    for is_on in (True, False):
        torch.manual_seed(0)
        network = build_model(quickstart(*model, "INPUT.INSTANCE_NORM", is_on)).eval()
        images = pictures()
        given = images.clone()
        with torch.no_grad():
            features[is_on] = network({"images": images})
            other = network(tinted(images))
        assert torch.equal(images, given)
        difference = (features[is_on] - other).norm() / other.norm()
        assert (difference < 1e-3) == is_on, difference
    assert not torch.allclose(features[True], features[False], rtol=0.1)


def test_a_baseline_gets_exactly_the_normalized_pixels(quickstart: Config) -> None:
    network = build_model(quickstart(*BASELINE, *ON))
    seen = []
    network.backbone.register_forward_pre_hook(lambda _, pixels: seen.append(*pixels))
    network.eval()({"images": pictures()})
    assert torch.equal(seen[0], instance_normalize(pictures()))


def test_trained_evaluated_loaded_and_exported_alike(quickstart: Config, tmp_path: Path) -> None:
    run = (*ON, "MODEL.DPPP.PHASES", (1,))
    trainer = DPPPTrainer(quickstart(*run))
    trainer.train()
    path = str(tmp_path / "model_final.pth")
    assert evaluate(quickstart(*run, "MODEL.WEIGHTS", path)) == trainer.results["phase 1"]
    with pytest.raises(UserError, match=r"INSTANCE_NORM = True, the config has False"):
        evaluate(quickstart("MODEL.WEIGHTS", path))

    picture = Image.fromarray(pictures(1)[0].permute(1, 2, 0).byte().numpy())
    with torch.no_grad():
        own = torch.nn.functional.normalize(trainer.raw_model.eval()(pictures(1))).numpy()
    for name in ("model_final.pth", "model_inference.pth", "config.yaml"):
        embedder = dppp.load(tmp_path / name, device="cpu")
        np.testing.assert_allclose(embedder.embed([picture]), own, atol=1e-5)
    assert export(embedder, tmp_path / "model.pt2") < 1e-4  # compares with PyTorch
    assert "instance norm" in embedder.network.feature_settings(trainer.cfg)  # for the digest


def test_onnx_computes_the_same(tmp_path: Path) -> None:
    import onnxruntime

    class Normalize(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return instance_normalize(images)

    path, batch = tmp_path / "normalize.onnx", torch.export.Dim("batch")
    shapes = {"images": {0: batch}}
    torch.onnx.export(
        Normalize().eval(),
        (pictures(2),),
        path,
        dynamo=True,
        dynamic_shapes=shapes,
        input_names=["images"],
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"images": pictures(5).numpy()})
    np.testing.assert_allclose(found, instance_normalize(pictures(5)).numpy(), atol=1e-4)


def test_a_baseline_trains_and_loads(quickstart: Config, tmp_path: Path) -> None:
    trainer = DPPPTrainer(quickstart(*BASELINE, *ON, "SOLVER.MAX_EPOCH", 1))
    trainer.train()
    images = pictures(2)[:, :, :32, :16]
    with torch.no_grad():
        own = torch.nn.functional.normalize(trainer.raw_model.eval()(images.clone())).numpy()
    embedder = dppp.load(tmp_path / "model_final.pth", device="cpu")
    assert "instance norm" in embedder.network.feature_settings(trainer.cfg)
    np.testing.assert_allclose(embedder.embed_pixels([*images]), own, atol=1e-5)
