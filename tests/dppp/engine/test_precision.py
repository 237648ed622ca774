"""TF32; TEST.PRECISION: the model encodes in it, whatever its mode; the ranking does not."""

from collections.abc import Callable, Iterator

import pytest
import torch
from fastreid.config import CfgNode
from torch import Tensor, nn

from dppp.engine import testing
from dppp.engine.setup import set_backends
from dppp.engine.testing import open_test_sets, score
from dppp.precision import InPrecision

Config = Callable[..., CfgNode]


class Watched(nn.Module):
    """Returns a product of pixels, and keeps its number format."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(8))
        self.seen: set[torch.dtype] = set()

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        features = batch["images"].flatten(1)[:, :8].float() @ self.weight
        self.seen.add(features.dtype)
        return features


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_an_evaluation_encodes_in_it_and_ranks_in_fp32(
    quickstart: Config, precision: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked = []

    class Watches(testing.RankingEvaluator):
        def evaluate(self) -> dict:
            ranked.append((self._predictions[0]["feats"].dtype, torch.is_autocast_enabled("cpu")))
            return super().evaluate()

    monkeypatch.setattr(testing, "RankingEvaluator", Watches)
    cfg, model = quickstart("TEST.PRECISION", precision), Watched()
    scores = score(cfg, model, open_test_sets(cfg).available)
    assert model.seen == {dtype} and model.training
    assert ranked == [(torch.float32, False)] * len(scores)


def test_results_are_float32_and_the_mode_is_the_models() -> None:
    model = Watched().eval()
    wrapped = InPrecision(model, "bf16")
    features = wrapped({"images": torch.full((2, 8), 1 + 2**-10)})
    assert features.dtype == torch.float32 and (features == 1).all()  # rounded
    assert not wrapped.training and wrapped.train().model.training


@pytest.fixture
def tf32_as_it_was() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.usefixtures("tf32_as_it_was")
@pytest.mark.parametrize("eval_only", [True, False])
def test_tf32_acts_on_training_and_evaluation(quickstart: Config, eval_only: bool) -> None:
    for allowed in (True, False):
        set_backends(quickstart("TF32", allowed), eval_only=eval_only)
        assert torch.backends.cuda.matmul.allow_tf32 is allowed
        assert torch.backends.cudnn.allow_tf32 is allowed
