"""Rankings that are drawn are the plain ones."""

import pytest
from torch import nn

from dppp import UserError
from dppp.config import load_config
from dppp.inference.ranked_sets import rank_test_set
from helpers import DPPP_CONFIGS


@pytest.mark.parametrize("key", ["RERANK", "AQE", "NFC"])
def test_what_changes_the_ranking_is_refused(key: str) -> None:
    cfg = load_config(str(DPPP_CONFIGS / "quickstart.yml"), [f"TEST.{key}.ENABLED", "True"])
    with pytest.raises(UserError, match=rf"TEST\.{key}\.ENABLED is True; only the plain ranking"):
        rank_test_set(cfg, nn.Identity(), "GenePersonToy")
