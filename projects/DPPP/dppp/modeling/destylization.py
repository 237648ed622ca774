"""De-stylization projector, Eq. 14: v_c = P_s(v_g).

| symbol | shape   | meaning |
| ------ | ------- | ------- |
| v_g    | (B, d1) | class token after CLIP's final projection |
| v_c    | (B, d1) | content feature, used at inference |
"""

from torch import Tensor, nn


class DestylizationProjector(nn.Module):
    """P_s, a two-layer perceptron from v_g (B, d1) to the content feature v_c (B, d1).

    Args:
        feature_dim: d1.
        residual: v_c = v_g + P_s(v_g), identity-initialized (P_s(v_g) = 0 before training), so
            that what v_g encodes need not be learnt again; not in the paper.
    """

    def __init__(self, feature_dim: int = 512, *, residual: bool = False) -> None:
        super().__init__()
        first, last = nn.Linear(feature_dim, feature_dim), nn.Linear(feature_dim, feature_dim)
        self.mlp = nn.Sequential(first, nn.GELU(), last)
        if residual:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        self.residual = residual

    def forward(self, global_features: Tensor) -> Tensor:
        """v_g (B, d1) -> v_c (B, d1)."""
        projected = self.mlp(global_features)
        return global_features + projected if self.residual else projected
