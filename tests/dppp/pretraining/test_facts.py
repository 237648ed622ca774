"""What is true of an image, and which caption is true of which."""

import numpy as np
import torch

from dppp.modeling.clip import create_clip
from dppp.pretraining.captions import STATED, caption, full_caption, sentences
from dppp.pretraining.encoders import text_features
from dppp.pretraining.facts import Place, facts_of, hair_phrases, truth
from dppp.pretraining.loss import matching_loss, naming_loss

PERSON = {
    "gender": "woman",
    "upper_color": "red",
    "upper_pattern": "striped",
    "upper_wear": "blouse",
    "lower_color": "navy blue",
    "lower_pattern": "plain",
    "lower_wear": "long skirt",
    "footwear_color": "white",
    "footwear": "sneakers",
    "lighting": "neutral soft even lighting",
    "body_shape": "tall figure",
    "hair_color": "auburn",
    "hairstyle": "long hair, curly hair texture, high ponytail",
    "skin_color": "olive",
    "carrying": "holding a black umbrella",
}
PLACE = Place(scene="park", lighting="night", view="front left", camera=("blurry",))


def test_the_facts_of_an_image() -> None:
    facts = facts_of(PERSON, PLACE)
    assert {("upper_color", "red"), ("scene", "park"), ("lighting", "night")} <= facts
    assert {("hairstyle", part) for part in ("long", "curly", "high ponytail")} <= facts
    assert ("camera", "blurry") in facts and ("carrying", "holding a black umbrella") in facts
    assert [word for name, word in facts if name == "lighting"] == ["night"]  # not the prompt's
    assert hair_phrases({"hairstyle": "hair bun, wavy hair texture"}) == ["bun", "wavy"]


def test_the_mirror_turns_left_and_right_of_views() -> None:
    views = [Place(scene="", lighting="", view=v).mirrored().view for v in ("front", "back right")]
    assert views == ["front", "back left"]
    assert PLACE.mirrored().mirrored() == PLACE and PLACE.mirrored().camera == ("blurry",)


def test_a_caption_is_true_of_its_image_and_states_what_it_says() -> None:
    rng, facts = np.random.default_rng(0), facts_of(PERSON, PLACE)
    for _ in range(500):
        drawn = caption(PERSON, PLACE, rng)
        assert drawn.facts and drawn.facts <= facts, drawn
        for name, word in drawn.facts:
            if name not in ("lighting", "scene"):  # these are said in other words too
                assert word in drawn.text, drawn
        stated = {word for _, word in drawn.facts}
        for name in ("upper_color", "lower_wear", "footwear", "gender", "hair_color"):
            assert PERSON[name] not in drawn.text or PERSON[name] in stated, drawn


def test_captions_are_of_all_lengths_and_name_everything() -> None:
    rng = np.random.default_rng(1)
    drawn = [caption(PERSON, PLACE, rng) for _ in range(1000)]
    lengths = [len(one.facts) for one in drawn]
    assert 50 < lengths.count(1) < 400 and max(lengths) > 10
    assert {fact for one in drawn for fact in one.facts} == facts_of(PERSON, PLACE)
    nothing = PERSON | {"carrying": "nothing"}
    assert not any("carrying" in dict(caption(nothing, PLACE, rng).facts) for _ in range(200))


def test_a_search_names_all_of_the_outfit() -> None:
    assert full_caption(PERSON) == (
        "a woman in a red striped blouse and navy blue plain long skirt and white sneakers "
        "with auburn hair"
    )


def test_which_caption_is_true_of_which_image() -> None:
    images = [{("a", "1"), ("b", "2")}, {("a", "1"), ("b", "3")}, {("a", "4"), ("b", "2")}]
    captions = [{("a", "1")}, {("a", "1"), ("b", "3")}, {("b", "2")}, {("c", "5")}]
    expected = [[1, 1, 0], [0, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert truth(captions, images).tolist() == [[bool(x) for x in row] for row in expected]


def test_a_short_caption_is_not_punished_for_another_image_that_it_is_true_of() -> None:
    """Two images of one kind, one text for both: the loss is least where both are equally near."""
    images = torch.eye(3)[[0, 0, 1]]
    texts = torch.eye(3)[[0, 0, 1]]
    shared = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    scale = torch.tensor(20.0)
    least = matching_loss(images, texts, shared, scale)
    assert abs(least - 2 / 3 * np.log(2)) < 1e-4  # the entropy of the two texts' targets
    assert matching_loss(images, texts, torch.eye(3), scale) > least - 1e-6
    assert matching_loss(images, texts[[2, 0, 1]], shared, scale) > least + 1


def test_with_one_true_text_an_image_it_is_clips_loss() -> None:
    import open_clip

    torch.manual_seed(0)
    images, texts = torch.randn(6, 8), torch.randn(6, 8)
    unit = [torch.nn.functional.normalize(x, dim=1) for x in (images, texts)]
    expected = open_clip.ClipLoss()(*unit, torch.tensor(7.0))
    ours = matching_loss(images, texts, torch.eye(6), torch.tensor(7.0))
    torch.testing.assert_close(ours, expected)


def test_one_sentence_with_each_word_for_an_attribute() -> None:
    others = PERSON | {"carrying": "holding a red bag", "hairstyle": "buzz cut"}
    there = Place(scene="indoor", lighting="fog", view="back")
    rng = np.random.default_rng(0)
    for name in STATED:
        word, other = (
            getattr(place, name, None) or person[name]
            for person, place in ((PERSON, PLACE), (others | {name: "new"}, there))
        )
        for _ in range(30):
            first, *rest = sentences(PERSON, PLACE, name, [word, other, word], rng)
            assert first.facts <= facts_of(PERSON, PLACE)
            for second in rest:
                assert first.text != second.text
                assert {known for known, _ in first.facts ^ second.facts} == {name}
            assert len(rest) == 1 or (name == "hairstyle" and not rest)  # parts in common


def test_all_attributes_can_be_stated() -> None:
    assert {name for name, _ in facts_of(PERSON, PLACE)} == {*STATED, "camera"}


def test_naming_what_is_true() -> None:
    """Three texts of a kind; the third image has another kind's word, which nobody asks for."""
    images, scale = torch.eye(3), torch.tensor(20.0)
    texts = torch.eye(3)[[0, 1]]
    true = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    assert naming_loss(images, texts, true, scale) < 1e-6
    assert naming_loss(images, texts[[1, 0]], true, scale) > 19
    both = torch.tensor([[1.0, 1, 0], [1, 1, 0]])  # of an image, two texts can be true
    assert naming_loss(images, texts, both, scale) > 9
    assert naming_loss(images, texts, torch.zeros(2, 3), scale) == 0


def test_a_text_that_is_true_of_none_asks_for_nothing() -> None:
    images = torch.eye(3)[[0, 1]].requires_grad_()
    texts = torch.eye(3)[[0, 1, 2]].requires_grad_()
    true = torch.tensor([[1.0, 0], [0, 1], [0, 0]])
    with_it = matching_loss(images, texts, true, torch.tensor(1.0))
    without = matching_loss(images, texts[:2], true[:2], torch.tensor(1.0))
    assert with_it > without
    (gradient,) = torch.autograd.grad(with_it, texts)
    assert (gradient[2, :2] > 0).all()  # away from both images


def test_text_features_and_their_gradients_are_open_clips() -> None:
    import open_clip

    torch.manual_seed(0)
    name = "DPPP-Tiny-8-quickgelu"
    model = create_clip(name).double()
    ids = open_clip.get_tokenizer(name)(["a man", "a photo of a woman in a red shirt at night"])
    gradients = []
    for encode in (model.encode_text, lambda x: text_features(model, x)):
        model.zero_grad()
        features = encode(ids)
        features.square().sum().backward()
        gradients.append([features] + [p.grad for _, p in sorted(text_weights(model))])
    for expected, ours in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, expected)


def text_weights(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [
        (name, p)
        for name, p in model.named_parameters()
        if not name.startswith(("visual.", "logit_scale"))
    ]
