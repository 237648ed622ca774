"""From image features to pseudo-words: Eqs. 1-5.

| symbol   | shape       | meaning |
| -------- | ----------- | ------- |
| v_g      | (B, d1)     | class token after the final projection |
| V        | (B, m, d2)  | patch tokens after the penultimate block |
| c*       | (B, dt)     | content pseudo-word, Eq. 1 |
| T_s      | (n, d2)     | learnable style elements |
| V~       | (B, n, d1)  | style features, Eq. 2 |
| w        | (B, n)      | attention of the style features to v_g, Eq. 3 |
| V_L      | (B, k, d1)  | the k style features with the highest attention, Eq. 4 |
| s*       | (B, k, dt)  | style pseudo-words, Eq. 5 |
"""

import torch
from torch import Tensor, nn

from .blocks import run_block


def _three_layer_mlp(input_dim: int, hidden_dim: int, output_dim: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(input_dim, hidden_dim),
        nn.GELU(),
        nn.Linear(hidden_dim, hidden_dim),
        nn.GELU(),
        nn.Linear(hidden_dim, output_dim),
    )


class ContentInversion(nn.Module):
    """f_theta: c* = f_theta(v_g), Eq. 1."""

    def __init__(self, feature_dim: int = 512, token_dim: int = 512, hidden_dim: int = 512) -> None:
        super().__init__()
        self.mlp = _three_layer_mlp(feature_dim, hidden_dim, token_dim)

    def forward(self, global_features: Tensor) -> Tensor:
        """v_g (B, d1) -> c* (B, dt)."""
        return self.mlp(global_features)


def _layer(width: int, num_heads: int) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        d_model=width,
        nhead=num_heads,
        dim_feedforward=4 * width,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )


class StyleAggregation(nn.Module):
    """V~ = FC(Transformer([T_s | V])), Eq. 2; of the last layer, only T_s is computed.

    Args:
        num_tokens: n.
        patch_dim: d2.
        feature_dim: d1.
        num_layers, num_heads: of the Transformer.
        token_norm: about that of each T_s at the start: "unit" draws from N(0, 1/d2), "patch" from
            N(0, 1), whose norm sqrt(d2) is nearer to a patch token's.
    """

    def __init__(
        self,
        num_tokens: int = 24,
        patch_dim: int = 768,
        feature_dim: int = 512,
        num_layers: int = 3,
        num_heads: int = 1,
        *,
        token_norm: str = "unit",
    ) -> None:
        super().__init__()
        std = {"unit": patch_dim**-0.5, "patch": 1.0}[token_norm]
        self.tokens = nn.Parameter(torch.randn(num_tokens, patch_dim) * std)  # T_s
        layers = [_layer(patch_dim, num_heads) for _ in range(num_layers)]
        self.transformer = nn.TransformerEncoder(layers[0], 0, enable_nested_tensor=False)
        self.transformer.layers = nn.ModuleList(layers)  # torch would copy one, weights and all
        self.transformer.num_layers = num_layers
        self.fc = nn.Linear(patch_dim, feature_dim)

    def forward(self, patches: Tensor) -> Tensor:
        """V (B, m, d2) -> V~ (B, n, d1)."""
        tokens = self.tokens.to(patches.dtype).expand(len(patches), -1, -1)
        sequence = torch.cat([tokens, patches], dim=1)
        *early, last = self.transformer.layers
        for layer in early:
            sequence = run_block(layer, sequence)
        return self.fc(run_block(last, sequence, rows=sequence[:, : len(self.tokens)]))


class GlobalFeatureLocalFilter(nn.Module):
    """GFLFM: keep the k style features that v_g attends to most, Eqs. 3 and 4."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def attention(self, style_features: Tensor, global_features: Tensor) -> Tensor:
        """Return w (B, n) of Eq. 3, float32, rows sum to 1."""
        return _scores(style_features, global_features).softmax(dim=1)

    def forward(self, style_features: Tensor, global_features: Tensor) -> Tensor:
        """V~ (B, n, d1) and v_g (B, d1) -> V_L (B, k, d1), best first."""
        n = style_features.shape[1]
        if self.k > n:
            raise ValueError(f"the filter keeps k = {self.k} of n = {n} style features; k <= n")
        # The scores sort as their softmax does, and do not tie where it underflows.
        best = (
            _scores(style_features.detach(), global_features.detach()).topk(self.k, dim=1).indices
        )
        return style_features.gather(1, best[..., None].expand(-1, -1, style_features.shape[2]))


def _scores(style_features: Tensor, global_features: Tensor) -> Tensor:
    """Return <v~_i, v_g> (B, n), in float32 whatever the autocast."""
    with torch.autocast(style_features.device.type, enabled=False):
        return torch.einsum("bnd,bd->bn", style_features.float(), global_features.float())


class StyleInversion(nn.Module):
    """f_phi: s* = f_phi(V_L), Eq. 5, one word from each style feature."""

    def __init__(
        self, feature_dim: int = 512, token_dim: int = 512, hidden_dim: int = 2048
    ) -> None:
        super().__init__()
        self.mlp = _three_layer_mlp(feature_dim, hidden_dim, token_dim)

    def forward(self, style_features: Tensor) -> Tensor:
        """V_L (B, k, d1) -> s* (B, k, dt)."""
        return self.mlp(style_features)
