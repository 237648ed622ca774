"""Small random models of the real classes in the real formats: SDXL, ControlNets, LoRAs, U2Net."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from geneperson.prompting import prompts, vocabulary
from geneperson.prompting.vocabulary import GENDERS
from geneperson.worlds import scenes
from geneperson.worlds.lighting import LIGHTINGS

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

_NUM_LETTERS = 512  # CLIP's first tokens: the 256 bytes, in and at the end of a word
_CROSS = 64  # width of both text encoders together
_BLOCKS = {
    "block_out_channels": (32, 64),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "layers_per_block": 1,
    "attention_head_dim": (2, 4),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "transformer_layers_per_block": (1, 1),
    "projection_class_embeddings_input_dim": 80,  # 6 times 8 of time ids, 32 of pooled text
    "cross_attention_dim": _CROSS,
    "norm_num_groups": 8,
}


def save_sdxl(folder: Path, widths: tuple[int, int] = (32, 32)) -> Path:
    """An SDXL base model with small networks, in diffusers' folder format.

    Args:
        folder: where to write it.
        widths: of the two text encoders; their sum is 64.
    """
    from diffusers import (
        AutoencoderKL,
        EulerDiscreteScheduler,
        StableDiffusionXLPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    first, second = (
        CLIPTextConfig(
            hidden_size=width,
            intermediate_size=37,
            num_attention_heads=4,
            num_hidden_layers=3,
            projection_dim=32,
            hidden_act="gelu",
        )
        for width in widths
    )
    tokenizer = _tokenizer(folder.with_name("tokenizer"))
    pipe = StableDiffusionXLPipeline(
        unet=UNet2DConditionModel(
            sample_size=16,
            in_channels=4,
            out_channels=4,
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            **_BLOCKS,
        ),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
        ),
        vae=AutoencoderKL(
            block_out_channels=(32, 64),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            sample_size=64,
            norm_num_groups=8,
        ),
        text_encoder=CLIPTextModel(first),
        text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
    )
    _listen(pipe.unet)
    pipe.save_pretrained(folder, safe_serialization=True)
    return folder


def save_controlnet(folder: Path, seed: int) -> Path:
    """A ControlNet that fits the base model."""
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    network = ControlNetModel(
        in_channels=4, conditioning_embedding_out_channels=(16, 32), **_BLOCKS
    )
    _disturb(network)
    network.save_pretrained(folder)
    return folder


def save_union_controlnet(folder: Path) -> Path:
    """One network for both condition images."""
    from diffusers import ControlNetUnionModel

    torch.manual_seed(5)
    network = ControlNetUnionModel(
        in_channels=4,
        conditioning_embedding_out_channels=(16, 32),
        num_trans_channel=32,
        num_trans_head=4,
        num_proj_channel=32,
        **_BLOCKS,
    )
    _disturb(network)
    network.save_pretrained(folder)
    return folder


def save_lora(path: Path, sdxl: Path, seed: int) -> Path:
    """One LoRA of the denoiser's attention, as training scripts save it."""
    from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(seed)
    unet = UNet2DConditionModel.from_pretrained(sdxl / "unet")
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    unet.add_adapter(LoraConfig(r=4, init_lora_weights=False, target_modules=targets))
    StableDiffusionXLPipeline.save_lora_weights(
        path.parent,
        unet_lora_layers=get_peft_model_state_dict(unet),
        weight_name=path.name,
    )
    return path


def save_matting(path: Path) -> Path:
    """An ONNX model with U2Net's input and output that finds a person-sized oval in every picture.

    Bright pixels count a little more, so that the mask's area depends on the picture.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    y, x = np.mgrid[0:320, 0:320] / 160.0 - 1.0
    oval = np.clip(6.0 - 6.0 * ((x / 0.45) ** 2 + (y / 0.85) ** 2), -4.0, 4.0)
    constants = {
        "oval": oval[None, None].astype(np.float32),
        "weight": np.array([1.0], np.float32),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["picture", "axes"], ["grey"], keepdims=1),
        helper.make_node("Mul", ["grey", "weight"], ["hint"]),
        helper.make_node("Add", ["hint", "oval"], ["score"]),
        helper.make_node("Sigmoid", ["score"], ["mask"]),
    ]
    graph = helper.make_graph(
        nodes,
        "oval",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 320, 320])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 1, 320, 320])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


def save_saliency(
    path: Path,
    side: int = 320,
    *,
    batch: int | str = 1,
    inside: int = -1,
    channels: int = 8,
    gain: float = 1.0,
) -> Path:
    """A random network like U2Net in small: down, up by the size of its picture, and a sigmoid.

    Args:
        path: the file.
        side: height and width of its pictures.
        batch: what its input and output state: a number, or a name for any number.
        inside: the batch that a reshaping inside it insists on; -1 for any.
        channels: of its maps, which decide about the memory that it needs.
        gain: of its answer; 0 for the same everywhere.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    constants = {
        "first": rng.normal(0, 0.3, (channels, 3, 3, 3)).astype(np.float32),
        "second": rng.normal(0, 0.3, (channels, channels, 3, 3)).astype(np.float32),
        "last": rng.normal(0, 0.3 * gain, (1, 2 * channels, 3, 3)).astype(np.float32),
        "maps": np.array([inside, channels, side, side], np.int64),
    }
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["picture", "first"], ["conv"], **same),
        helper.make_node("Relu", ["conv"], ["flat"]),
        helper.make_node("Reshape", ["flat", "maps"], ["fine"]),
        helper.make_node("MaxPool", ["fine"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Conv", ["small", "second"], ["coarse"], **same),
        helper.make_node("Shape", ["fine"], ["size"]),
        helper.make_node("Resize", ["coarse", "", "", "size"], ["upsampled"], mode="linear"),
        helper.make_node("Concat", ["fine", "upsampled"], ["both"], axis=1),
        helper.make_node("Conv", ["both", "last"], ["score"], **same),
        helper.make_node("Sigmoid", ["score"], ["mask"]),
    ]
    graph = helper.make_graph(
        nodes,
        "saliency",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("mask", TensorProto.FLOAT, [batch, 1, side, side])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


def _listen(unet: torch.nn.Module) -> None:
    """A trained denoiser draws what the text says; a random one hardly hears it."""
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if "attn2.to_v" in name or "attn2.to_out" in name:
                weight.mul_(5.0)


def _disturb(network: torch.nn.Module) -> None:
    """ControlNets begin with zero convolutions; a trained one has something to say."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "controlnet" in name:
                weight.normal_(0.0, 0.1)


def _tokenizer(folder: Path) -> CLIPTokenizer:
    """CLIP's own tokenizer with only the words of our prompts, which loads ten times as fast.

    The numbers of the tokens stay CLIP's. Other words are read letter by letter.
    """
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    clip = SimpleTokenizer()
    parts_of = {"".join(parts): parts for parts in clip.bpe_ranks}
    wanted = [clip.decoder[number] for text in _texts() for number in clip.encode(text)]
    kept: set[str] = set()
    while wanted:
        token = wanted.pop()
        if token not in kept:
            kept.add(token)
            wanted += parts_of.get(token, ())
    kept |= {token for token, number in clip.encoder.items() if number < _NUM_LETTERS}
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {
        names.get(token, token): number
        for token, number in clip.encoder.items()
        if token in kept or token in names
    }
    merges = [" ".join(parts) for parts in clip.bpe_ranks if "".join(parts) in kept]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    return CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=77
    )


def _texts() -> list[str]:
    """Everything that the diffusion route says to a model."""
    words = vocabulary.load().words.values()
    attributes = [word for group in words for choices in group.values() for word in choices]
    backgrounds = [
        scenes.background_prompt(scene, lighting)
        for scene in scenes.SCENES
        for lighting in LIGHTINGS
    ]
    return [
        prompts.TEMPLATE,
        prompts.NEGATIVE_PROMPT,
        scenes.NEGATIVE_PROMPT,
        *(lighting.prompt for lighting in LIGHTINGS),
        *attributes,
        *GENDERS,
        *backgrounds,
    ]


def save_embedder(path: Path, size: tuple[int, int] = (32, 16), *, notes: bool = True) -> Path:
    """An ONNX embedder with the input and output of ``tools/export.py``'s: means of 4 x 4 tiles.

    Args:
        path: the file.
        size: (height, width) of its images, multiples of 4.
        notes: whether the file states the size, as exported files do; the input is dynamic then.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    height, width = size
    tile = height // 4, width // 4
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["pixels"], ["tiles"], kernel_shape=tile, strides=tile),
        helper.make_node("Flatten", ["tiles"], ["means"]),
        helper.make_node("Sub", ["means", "grey"], ["features"]),
    ]
    shape = ["batch", 3, "height", "width"] if notes else ["batch", 3, height, width]
    graph = helper.make_graph(
        nodes,
        "tiles",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 48])],
        [numpy_helper.from_array(np.array(127.0, np.float32), "grey")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if notes:
        stated = {"image_height": str(height), "image_width": str(width)}
        helper.set_model_props(model, stated)
    onnx.save(model, path)
    return path


MARKER = (255, 255, 255)  # a pixel of it in a picture is a second person


def save_rtmo(path: Path, size: int = 320) -> Path:
    """An ONNX model with RTMO's input and outputs that sees joints painted as dots of their colors.

    A person's joints are the middles of dots in OpenPose's colors (``posing.canvas.COLORS``); the
    color of joint 1, the neck, is not looked for, because RTMO does not find necks.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from geneperson.posing.canvas import COLORS

    # COCO's order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left first
    coco = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
    colors = np.array([COLORS[joint] for joint in coco] + [MARKER], np.float32)[:, ::-1]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    boxes = [[[0, 0, size / 2, size], [size / 2, 0, size, size]]]
    constants = {
        "colors": colors[:, :, None, None].copy(),
        "near": np.array(24.0, np.float32),  # of the sum over channels
        "share": np.array(0.2, np.float32),  # of a joint's score, for each pixel of its dot
        "one": np.array(1.0, np.float32),
        "x": x,
        "y": y,
        "boxes": np.array(boxes, np.float32),
        "color_axis": np.array([1], np.int64),
        "pixel_axes": np.array([1, 2], np.int64),
        "split": np.array([17, 1], np.int64),
        "person": np.array([1, 1, 17, 3], np.int64),
        "score": np.array([1, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Sub", ["image", "colors"], ["apart"]),  # (18, 3, size, size)
        helper.make_node("Abs", ["apart"], ["distances"]),
        helper.make_node("ReduceSum", ["distances", "color_axis"], ["distance"], keepdims=0),
        helper.make_node("Less", ["distance", "near"], ["is_dot"]),
        helper.make_node("Cast", ["is_dot"], ["dots"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["dots", "pixel_axes"], ["count"], keepdims=0),
        helper.make_node("Max", ["count", "one"], ["divisor"]),
        helper.make_node("Mul", ["count", "share"], ["area"]),
        helper.make_node("Min", ["area", "one"], ["seen"]),
    ]
    for axis in "xy":
        nodes += [
            helper.make_node("Mul", ["dots", axis], [f"all_{axis}"]),
            helper.make_node(
                "ReduceSum", [f"all_{axis}", "pixel_axes"], [f"sum_{axis}"], keepdims=0
            ),
            helper.make_node("Div", [f"sum_{axis}", "divisor"], [f"mean_{axis}"]),
        ]
    columns = ["mean_x", "mean_y", "seen"]
    nodes += [
        *(helper.make_node("Unsqueeze", [each, "color_axis"], [f"{each}_1"]) for each in columns),
        helper.make_node("Concat", [f"{each}_1" for each in columns], ["all"], axis=1),
        helper.make_node("Split", ["all", "split"], ["joints", "marker"], axis=0),
        helper.make_node("Reshape", ["joints", "person"], ["first"]),
        helper.make_node("Concat", ["first", "first"], ["keypoints"], axis=1),
        helper.make_node("Split", ["seen", "split"], ["seen_joints", "seen_marker"], axis=0),
        helper.make_node("ReduceMax", ["seen_joints"], ["any_joint"], keepdims=1),
        helper.make_node("Reshape", ["any_joint", "score"], ["score_1"]),
        helper.make_node("Reshape", ["seen_marker", "score"], ["score_2"]),
        helper.make_node("Concat", ["score_1", "score_2"], ["scores"], axis=1),
        helper.make_node("Concat", ["boxes", "scores"], ["dets"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "dots",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size, size])],
        [
            helper.make_tensor_value_info("dets", TensorProto.FLOAT, [1, 2, 5]),
            helper.make_tensor_value_info("keypoints", TensorProto.FLOAT, [1, 2, 17, 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.save(model, path)
    return path


def paint_joints(joints: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture (h, w, 3) uint8 with dots that ``save_rtmo``'s model sees.

    Args:
        joints: (18, 2) x and y in pixels, NaN for a joint without a dot.
        size: (h, w).
    """
    import cv2

    from geneperson.posing.canvas import COLORS

    picture = np.zeros((*size, 3), np.uint8)
    for joint in np.flatnonzero(np.isfinite(joints[:, 0])):
        x, y = joints[joint].round().astype(int).tolist()
        cv2.circle(picture, (x, y), max(2, size[0] // 200), COLORS[joint], thickness=-1)
    return picture
