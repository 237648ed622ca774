"""What the small CLIP is trained for, its three terms one by one."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from dppp.modeling.clip import build_tokenizer, create_clip
from dppp.pretraining import Contrast, read_pairs
from dppp.pretraining.captions import Caption, caption, sentences
from dppp.pretraining.facts import Fact, truth
from dppp.pretraining.loss import matching_loss, naming_loss

NAME, SIZE = "DPPP-Tiny-8-quickgelu", (64, 32)


def test_the_loss_is_the_sum_of_its_terms(data_root: Path) -> None:
    pairs = read_pairs([data_root / "GenePersonToy"], SIZE, ("bounding_box_train",))
    torch.manual_seed(0)
    model = create_clip(NAME, image_size=SIZE).eval()
    words = {name: pairs.words[name] for name in ("gender", "upper_color")}
    contrast = Contrast(NAME, words, words)
    batch = [pairs.draw(index, np.random.default_rng(index)) for index in range(0, 60, 10)]
    pixels = torch.randn(len(batch), 3, *SIZE)

    rng, facts = np.random.default_rng(3), [pair.facts for pair in batch]
    own = [caption(pair.person, pair.place, rng) for pair in batch]
    asked = []
    for name, known in words.items():
        told = batch[int(rng.integers(len(batch)))]
        asked.append(sentences(told.person, told.place, name, known, rng))
    tokenize, scale = build_tokenizer(NAME), model.logit_scale.exp()
    images = model.encode_image(pixels)

    def loss(
        kind: Callable[..., torch.Tensor],
        texts: Sequence[Caption],
        stated: Sequence[Collection[Fact]],
    ) -> torch.Tensor:
        true = torch.from_numpy(truth(stated, facts)).float()
        return kind(images, model.encode_text(tokenize([one.text for one in texts])), true, scale)

    matching = loss(matching_loss, own, [one.facts for one in own])
    named = [
        loss(naming_loss, texts, [[fact for fact in one.facts if fact[0] == name] for one in texts])
        for name, texts in zip(words, asked, strict=True)
    ]
    expected = matching + 4.8 * sum(named) / 2 + 2.4 * contrast.naming.loss(images, batch)
    found = contrast(model, pixels, batch, np.random.default_rng(3))
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
