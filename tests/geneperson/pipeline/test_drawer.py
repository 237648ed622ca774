"""The process that draws: what it cuts out is what a worker cuts out."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from yacs.config import CfgNode

from geneperson.compositing.matting import Matting
from geneperson.pipeline.candidate import CandidateMaker
from geneperson.pipeline.drawer import Drawer, cut_out
from geneperson.pipeline.spec import BuildSpec

pytestmark = pytest.mark.usefixtures("one_thread")


def test_cells_cut_out_beside_the_model_are_those_of_a_worker(picky_cfg: CfgNode) -> None:
    """So a set is the same whether onnxruntime has the GPU of the drawing process or not."""
    spec = BuildSpec.from_config(picky_cfg)
    assert spec.matting is not None
    maker, matting = CandidateMaker(spec), Matting(spec.matting)
    batch = list(islice(spec.identities(), spec.route.batch_size))
    for identity, canvases in Drawer(spec).draw(batch):
        assert all(canvas.alpha is None for canvas in canvases)  # a CPU: the workers cut out
        whole = cut_out(canvases, matting, spec.grid)
        expected, found = maker.judge(identity, canvases), maker.judge(identity, whole)
        assert found.rejected == expected.rejected
        assert found.good or found.rejected
        for one, other in zip(found.good, expected.good, strict=True):
            assert one.place == other.place
            assert np.array_equal(one.alpha, other.alpha)
            assert np.array_equal(one.person, other.person)
