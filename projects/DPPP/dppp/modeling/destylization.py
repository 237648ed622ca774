"""De-stylization projector, Eq. 14: v_c = P_s(v_g).

| symbol | shape   | meaning |
| ------ | ------- | ------- |
| v_g    | (B, d1) | class token after CLIP's final projection |
| v_c    | (B, d1) | content feature, used at inference |
"""

from torch import Tensor, nn


class DestylizationProjector(nn.Module):
    """P_s, a two-layer perceptron from v_g (B, d1) to the content feature v_c (B, d1)."""

    def __init__(self, feature_dim: int = 512) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(feature_dim, feature_dim), nn.GELU(), nn.Linear(feature_dim, feature_dim)
        )

    def forward(self, global_features: Tensor) -> Tensor:
        return self.mlp(global_features)
