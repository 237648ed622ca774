"""The meta-architecture: Eq. 13 (phase 1), Eq. 16 (phase 2), and inference.

| symbol | shape   | meaning |
| ------ | ------- | ------- |
| v_g    | (B, d1) | global image feature: CLIP's class token after the final projection |
| c*, s* |         | content and style pseudo-words (pseudo_words.py) |
| t_sc   | (B, d1) | text feature of "a [S1] ... [Sk] style of a [C] person" |
| t_c    | (B, d1) | text feature of "a photo of a [C] person" |
| v_c    | (B, d1) | P_s(v_g), the content feature |
"""

import math
from collections.abc import Collection
from typing import cast

import torch
from fastreid.config import CfgNode, configurable
from fastreid.modeling.meta_arch import META_ARCH_REGISTRY
from torch import Tensor, nn

from ..errors import UserError
from ..losses import LossSettings, match_share, supcon_loss, text_triplet_loss
from .clip import CLIPTowers
from .destylization import DestylizationProjector
from .dppp_phases import DPPPPhases
from .global_batch import gather_batch
from .identity_head import IdentityHead
from .parts import build_parts
from .prompts import Prompt
from .prototype_memory import PrototypeMemory
from .pseudo_words import (
    ContentInversion,
    GlobalFeatureLocalFilter,
    StyleAggregation,
    StyleInversion,
)
from .visual_tower import ImageFeatures


@META_ARCH_REGISTRY.register()
class CLIPDPPP(DPPPPhases):
    """CLIP with content and style pseudo-words and a de-stylization projector.

    In training it returns the named losses of its phase; in evaluation, features (B, d1): v_g in
    phase 1, v_c in phase 2. The phase is part of the state, so a file knows which feature it gives.
    What trains depends on the phase, so training needs a trainer that starts it: DPPPTrainer.

    Attributes:
        watched: of the last training step, as tensors on the device: ``match_share``, the share of
            images whose most similar text belongs to their own identity, and
            ``attention_entropy`` of GFLFM (Eq. 3), between 0 and log n.

    Args:
        towers: the CLIP model.
        content_inversion, style_aggregation, local_filter, style_inversion: Eqs. 1-5.
        prompts: ``Prompt`` for "style-content", "content" and "generic".
        strategy: which of them stands for an image in L1_SupCon.
        num_classes: training identities; 0 builds no classifiers, for evaluation.
        losses: which terms are on, and their weights.
        prototype_memory: of v_g, in phase 1; None without.
        temperature: tau.
        learnable_temperature: train log(1 / tau) in phase 1.
        residual: of P_s, see DestylizationProjector.
        detach_inversion_input: keep the text losses' gradient out of the visual encoder.
        pixel_mean, pixel_std, instance_norm: see CLIPModel.
        phase: 1 or 2.
    """

    has_prototypes = True

    @configurable
    def __init__(
        self,
        *,
        towers: CLIPTowers,
        content_inversion: ContentInversion,
        style_aggregation: StyleAggregation,
        local_filter: GlobalFeatureLocalFilter,
        style_inversion: StyleInversion,
        prompts: dict[str, Prompt],
        strategy: str,
        num_classes: int,
        losses: LossSettings,
        prototype_memory: PrototypeMemory | None,
        temperature: float,
        learnable_temperature: bool,
        residual: bool,
        detach_inversion_input: bool,
        pixel_mean: list[float],
        pixel_std: list[float],
        instance_norm: bool,
        phase: int,
    ) -> None:
        super().__init__(towers, pixel_mean, pixel_std, instance_norm=instance_norm)
        self.content_inversion = content_inversion
        self.style_aggregation = style_aggregation
        self.local_filter = local_filter
        self.style_inversion = style_inversion
        self.prompts = nn.ModuleDict(prompts)
        self.strategy = strategy
        self.destylization = DestylizationProjector(towers.feature_dim, residual=residual)
        self.num_classes = num_classes
        if num_classes:
            self.final_head = IdentityHead(towers.patch_dim, num_classes)
            self.projected_head = IdentityHead(towers.feature_dim, num_classes)
            self.content_head = IdentityHead(towers.feature_dim, num_classes)
        log_inverse = torch.tensor(math.log(1 / temperature))
        self.log_inverse_temperature = nn.Parameter(log_inverse) if learnable_temperature else None
        self.temperature = temperature
        self.losses = losses
        self.prototype_memory = prototype_memory
        self.loss_weights = losses.weights
        self.detach_inversion_input = detach_inversion_input
        self._is_started = False
        self.has_content_words = False
        self.set_phase(phase)

    @classmethod
    def from_config(cls, cfg: CfgNode) -> dict:
        """Build the parts that a config asks for."""
        return build_parts(cfg)

    # --- FastReID's interface ---

    def forward(self, batch: dict[str, Tensor] | Tensor) -> dict[str, Tensor] | Tensor:
        """Named losses in training, features (B, d1) otherwise.

        Args:
            batch: FastReID's: ``images`` (B, 3, H, W), 0..255, and in training ``targets`` (B,);
                or, in evaluation, the images alone.
        """
        if not self.training:
            images = batch if isinstance(batch, Tensor) else batch["images"]
            return self.embed(self.normalize(images))
        if isinstance(batch, Tensor):
            raise TypeError("training needs a batch with images and targets")
        if not self._is_started:
            raise UserError(
                "CLIPDPPP trains in phases, and none was started; train with dppp.DPPPTrainer, or "
                "call start_phase as it does"
            )
        pixels, labels = self.normalize(batch["images"]), batch["targets"]
        self.watched = {}
        if self.phase == 1:
            return self.pseudo_word_learning(pixels, labels)
        return self.style_disentanglement(pixels, labels)

    # --- the paper ---

    def embed(self, pixels: Tensor) -> Tensor:
        """Inference (Fig. 5): v_c of the image alone after phase 2, v_g after phase 1."""
        v_g = self.towers.encode_image(pixels).projected
        return self.destylization(v_g) if self.phase == 2 else v_g

    def pseudo_word_learning(self, pixels: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_PTL = L1_ReID + L1_SupCon + L_Tri-txt, Eq. 13."""
        image = self.towers.encode_image(pixels)
        v_g, labels = gather_batch(image.projected), gather_batch(labels)
        on, terms = self.losses.names, {}
        used = {"L1_SupCon": self.strategy, "L_Tri-txt": "content"}
        texts = self.prompt_features(image, {used[name] for name in on if name in used})
        if "L1_ReID" in on:  # Eq. 10, on CLIP-ReID's features
            final = gather_batch(image.final_class)
            penultimate = gather_batch(image.penultimate_class)
            logits = [self.final_head(final), self.projected_head(v_g)]
            terms["loss_l1_id"] = self.losses.identity(logits, labels)
            terms["loss_l1_tri"] = self.losses.image_triplet([penultimate, final, v_g], labels)
        if "L1_SupCon" in on:  # Eqs. 6-8
            t_sc = gather_batch(texts[self.strategy])
            terms["loss_l1_supcon"] = supcon_loss(v_g, t_sc, labels, self._temperature())
            self.watched["match_share"] = match_share(v_g, t_sc, labels)
        if "L_Tri-txt" in on:  # Eq. 9
            t_c = gather_batch(texts["content"])
            terms["loss_tri_txt"] = text_triplet_loss(t_c, labels, self.losses.text_margin)
        if self.prototype_memory is not None:
            terms["loss_l1_prototype"] = self.prototype_memory(v_g, labels)
        return self.losses.weighted(terms)

    def style_disentanglement(self, pixels: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_PSD = L2_ReID + L2_SupCon, Eq. 16; the encoders run without autograd."""
        with torch.no_grad():
            image = self.towers.encode_image(pixels)
        v_c = gather_batch(self.destylization(image.projected))  # Eq. 14
        labels = gather_batch(labels)
        on, terms = self.losses.names, {}
        if "L2_ReID" in on:
            terms["loss_l2_id"] = self.losses.identity([self.content_head(v_c)], labels)
            terms["loss_l2_tri"] = self.losses.image_triplet([v_c], labels)
        if "L2_SupCon" in on:  # Eq. 15
            with torch.no_grad():
                t_c = gather_batch(self.prompt_features(image, {"content"})["content"])
            terms["loss_l2_supcon"] = supcon_loss(v_c, t_c, labels, self._temperature())
            self.watched["match_share"] = match_share(v_c, t_c, labels)
        return self.losses.weighted(terms)

    def prompt_features(
        self, image: ImageFeatures, strategies: Collection[str]
    ) -> dict[str, Tensor]:
        """Return text features (B, d1) of the images' prompts by strategy: t_sc, t_c."""
        if not strategies:
            return {}
        v_g, patches = image.projected, image.patches
        if self.detach_inversion_input:
            v_g, patches = v_g.detach(), patches.detach()
        prompts = {name: cast(Prompt, self.prompts[name]) for name in sorted(strategies)}
        style, content = None, None
        if any(prompt.has_content for prompt in prompts.values()):
            content = self.content_inversion(v_g)  # c*, Eq. 1
        if any(prompt.has_style for prompt in prompts.values()):
            style_features = self.style_aggregation(patches)  # V~, Eq. 2
            local = self.local_filter(style_features, v_g)  # V_L, Eqs. 3 and 4
            style = self.style_inversion(local)  # s*, Eq. 5
            w = self.local_filter.attention(style_features.detach(), v_g.detach())  # Eq. 3
            self.watched["attention_entropy"] = torch.special.entr(w).sum(dim=1).mean()
        embedding = self.towers.text.token_embedding
        texts = self.towers.encode_texts(
            [p.fill(embedding, style, content) for p in prompts.values()]
        )
        return {
            name: t.expand(len(v_g), -1).contiguous()
            for name, t in zip(prompts, texts, strict=True)
        }

    def phase_memory(self) -> PrototypeMemory | None:
        """Return the memory of phase 1."""
        return self.prototype_memory if self.phase == 1 else None

    def prototype_features(self, batch: dict[str, Tensor]) -> Tensor:
        """Return v_g (B, d1): texts say nothing yet, for phase 1 begins with a random f_theta."""
        return self.towers.encode_image(self.normalize(batch["images"])).projected

    def _temperature(self) -> float | Tensor:
        if self.log_inverse_temperature is None:
            return self.temperature
        return 1 / self.log_inverse_temperature.exp()
