"""BNNeck and classifier, on which Eq. 12 is computed."""

from torch import Tensor, nn


class IdentityHead(nn.Module):
    """Batch normalization without a bias, then a linear layer to the training identities.

    Args:
        feature_dim: width of the features.
        num_classes: number of training identities.
    """

    def __init__(self, feature_dim: int, num_classes: int) -> None:
        super().__init__()
        self.neck = nn.BatchNorm1d(feature_dim)
        self.neck.register_parameter("bias", None)
        self.classifier = nn.Linear(feature_dim, num_classes, bias=False)
        nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, feature_dim) -> logits (B, num_classes)."""
        return self.classifier(self.neck(features))
