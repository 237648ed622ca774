"""A trained model in use: extract, search, pictures of rankings, export, and the Python call."""

import csv
import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dppp
import processes
from dppp.inference import export, extract, load_features, search
from dppp.inference.search import same_person
from dppp.pretraining.captions import full_caption
from helpers import DPPP_CONFIGS, ROOT, SMALL

QUICKSTART = DPPP_CONFIGS / "quickstart.yml"
Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def tool(data_root: Path) -> Tool:
    """Run a command of tools/ in a folder."""

    def run(name: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        environment = {"FASTREID_DATASETS": str(data_root)}
        path = ROOT / "tools" / f"{name}.py"
        return processes.run(path, *arguments, cwd=cwd, environment=environment)

    return run


@pytest.fixture(scope="module")
def trained(tool: Tool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OUTPUT_DIR of the quickstart after an epoch of each phase."""
    folder = tmp_path_factory.mktemp("trained")
    config = ["--config-file", QUICKSTART]
    result = tool("train_net", *config, *SMALL, "OUTPUT_DIR", folder, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def gallery(data_root: Path) -> Path:
    return data_root / "GenePersonToy" / "bounding_box_test"


def images(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))


def refused(result: subprocess.CompletedProcess, *parts: str) -> None:
    assert result.returncode == 2, result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in line


def test_every_checkpoint_of_a_run_gives_the_same_features(trained: Path, gallery: Path) -> None:
    pictures = [Image.open(path) for path in images(gallery)[:3]]
    features = dppp.load(trained / "model_inference.pth", device="cpu").embed(pictures)
    assert features.shape == (3, 128) and features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1.0, atol=1e-5)
    for source in ("model_final.pth", "config.yaml"):
        other = dppp.load(trained / source, device="cpu").embed(pictures)
        np.testing.assert_allclose(other, features, atol=1e-6)
    one_by_one = [dppp.load(trained / "model_final.pth").embed([one])[0] for one in pictures[:1]]
    np.testing.assert_allclose(one_by_one[0], features[0], atol=1e-5)


def test_embed_equals_the_evaluators_features(
    trained: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dppp.config import load_config
    from dppp.data import build_test_loader
    from dppp.inference import from_config

    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    opts = [*SMALL, "MODEL.WEIGHTS", str(trained / "model_final.pth")]
    cfg = load_config(str(QUICKSTART), opts)
    loader, _ = build_test_loader(cfg, "GenePersonToy")
    batch = next(iter(loader))
    embedder = from_config(cfg)
    theirs = embedder.model.network(batch).numpy()
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    ours = embedder.embed([Image.open(path) for path in batch["img_paths"]])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_truth_is_not_invented() -> None:
    assert same_person(Path("0002_c1s1_000001_00.jpg"), Path("0002_c3s1_000001_00.jpg")) is True
    assert same_person(Path("0002_c1s1_000001_00.jpg"), Path("0003_c3s1_000001_00.jpg")) is False
    here, there = Path("one/0002_c1s1_000001_00.jpg"), Path("two/0002_c3s1_000001_00.jpg")
    assert same_person(here, there) is None  # 0002 of one set is not 0002 of another
    for pid in ("-1", "0000"):  # junk and strangers: nobody knows who they are
        assert (
            same_person(Path(f"{pid}_c1s1_000001_00.jpg"), Path(f"{pid}_c3s1_000001_00.jpg"))
            is None
        )


def test_features_of_two_models_are_not_compared(trained: Path, gallery: Path) -> None:
    features = extract(dppp.load(trained / "model_inference.pth"), gallery)
    other = dataclasses.replace(features, model="another")
    with pytest.raises(dppp.UserError, match="embedded by different models"):
        search(other, features, 3)


def test_people_are_found_by_words(
    tool: Tool, data_root: Path, gallery: Path, tmp_path: Path
) -> None:
    """The shipped CLIP, and the description of each held-out person."""
    people = [json.loads(line) for line in open(data_root / "GenePersonToy" / "identities.jsonl")]
    held_out = {p["pid"]: full_caption(p["attributes"]) for p in people if p["split"] == "test"}
    clip = ["--model", "DPPP-Tiny-16-quickgelu:procedural", "--gallery", gallery]
    output = ["--output", "hits.png", "--top", 5]
    result = tool("search", *clip, "--text", *held_out.values(), *output, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(open(tmp_path / "hits.csv")))
    assert [row["query"] for row in rows[::5]] == list(held_out.values())
    right = [
        int(Path(row["path"]).name[:4]) == pid
        for pid, text in held_out.items()
        for row in rows
        if row["query"] == text and row["rank"] == "1"
    ]
    assert sum(right) >= len(held_out) - 1
    assert Image.open(tmp_path / "hits.png").height > 4 * 192


def test_words_need_a_model_with_a_text_side(
    tool: Tool, trained: Path, gallery: Path, tmp_path: Path
) -> None:
    text = ["--gallery", gallery, "--text", "a man in a red shirt"]
    model = ["--model", trained / "model_inference.pth"]
    refused(tool("search", *model, *text, cwd=tmp_path), "no text side", "procedural")
    clip = dppp.load("DPPP-Tiny-16-quickgelu:procedural", device="cpu")
    assert clip.embed_texts(["a man", "a woman"]).shape == (2, clip.feature_dim)
    with pytest.raises(dppp.UserError, match="is empty"):
        clip.embed_texts(["a man", " "])
    with pytest.raises(dppp.UserError, match=r"embed_texts\(\[sentence\]\)"):
        clip.embed_texts("a man")
    with pytest.raises(dppp.UserError, match=r"'none' is neither a file.*procedural"):
        dppp.load("DPPP-Tiny-16-quickgelu:none")


def test_damaged_exif_is_a_line(trained: Path, tmp_path: Path) -> None:
    """An orientation, and a number whose bytes are missing."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    exif += b"\x9a\x82\x0b\0\x01\0\0\0\xff\xff\0\0" + b"\0" * 4
    Image.new("RGB", (64, 128)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (64, 128)).save(tmp_path / "b.jpg")
    features = extract(dppp.load(trained / "model_inference.pth"), tmp_path)
    assert "b.jpg" in features.paths and len(features.paths) + len(features.skipped) == 2


def test_what_cannot_be_embedded(trained: Path) -> None:
    model = dppp.load(trained / "model_inference.pth")
    assert model.embed([]).shape == (0, 128)
    with pytest.raises(dppp.UserError, match=r"embed\(\[image\]\)"):
        model.embed(Image.new("RGB", (64, 128)))
    with pytest.raises(dppp.UserError, match="transparent"):
        model.embed([Image.new("RGBA", (64, 128), (0, 0, 0, 0))])
    with pytest.raises(dppp.UserError, match="no such file"):
        dppp.load(trained / "nowhere.pth")
    (trained / "bad.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(dppp.UserError, match=r"bad\.pth: cannot be read"):
        dppp.load(trained / "bad.pth")


def test_extract_then_search(tool: Tool, trained: Path, gallery: Path, tmp_path: Path) -> None:
    model = ["--model", trained / "model_inference.pth"]
    result = tool("extract", gallery, *model, "--output", "gallery.npz", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    features = load_features(tmp_path / "gallery.npz")
    assert [path.name for path in features.files()] == [path.name for path in images(gallery)]

    queries = images(gallery.with_name("query"))[:2]
    found = tool(
        *("search", *model, "--gallery", "gallery.npz", "--query", *queries),
        *("--top", 4, "--output", "hits.png"),
        cwd=tmp_path,
    )
    assert found.returncode == 0, found.stderr
    assert Image.open(tmp_path / "hits.png").size[0] > 300
    rows = list(csv.DictReader((tmp_path / "hits.csv").open()))
    assert len(rows) == 8 and [row["rank"] for row in rows[:4]] == ["1", "2", "3", "4"]
    embed = dppp.load(trained / "model_inference.pth").embed([Image.open(queries[0])])[0]
    best = np.sort(features.features @ embed)[::-1][:4]
    np.testing.assert_allclose([float(row["cosine"]) for row in rows[:4]], best, atol=1e-5)
    for row in rows:
        same = Path(row["query"]).name[:4] == Path(row["path"]).name[:4]
        assert row["same_person"] == str(int(same))


def test_a_stopped_extraction_resumes(trained: Path, gallery: Path, tmp_path: Path) -> None:
    embedder = dppp.load(trained / "model_inference.pth")
    folder = gallery.with_name("bounding_box_train")
    whole = extract(embedder, folder, tmp_path / "whole.npz", shard_size=16)

    class Stops:
        """The model, until its third batch."""

        def __init__(self) -> None:
            self.batches = 0

        def __getattr__(self, name: str) -> object:
            return getattr(embedder, name)

        def embed_pixels(self, pixels: list) -> np.ndarray:
            self.batches += 1
            if self.batches == 3:
                raise KeyboardInterrupt
            return embedder.embed_pixels(pixels)

    with pytest.raises(KeyboardInterrupt):
        extract(Stops(), folder, tmp_path / "f.npz", shard_size=16)
    kept = sorted((tmp_path / "f.npz.partial").iterdir())
    assert [path.name for path in kept] == ["000000.npz", "000001.npz"]
    written = [path.stat().st_mtime_ns for path in kept]
    with pytest.raises(dppp.UserError, match="was started with other"):
        extract(embedder, folder, tmp_path / "f.npz", half=True, shard_size=16)
    assert [path.stat().st_mtime_ns for path in kept] == written
    again = extract(embedder, folder, tmp_path / "f.npz", shard_size=16)
    np.testing.assert_array_equal(again.features, whole.features)
    assert again.paths == whole.paths and not (tmp_path / "f.npz.partial").exists()


def test_float16_and_images_that_cannot_be_read(
    trained: Path, gallery: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in images(gallery)[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    features = extract(dppp.load(trained / "model_inference.pth"), folder, half=True)
    assert features.features.dtype == np.float16 and len(features.paths) == 2
    (line,) = features.skipped
    assert line.startswith("broken.jpg: ")


def test_pictures_of_rankings_agree_with_the_scores(
    tool: Tool, trained: Path, tmp_path: Path
) -> None:
    result = tool(
        *("visualize", "--config-file", QUICKSTART, "--weights", trained / "model_final.pth"),
        *("--output", "pictures", "--queries", 3, "--top", 4, "--attention"),
        *SMALL,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    scores = json.loads((trained / "summary.json").read_text())["results_percent"]
    expected = scores["GenePersonToy"]["after phase 2"]["mAP"]
    assert f"mAP {expected:.2f} of" in result.stdout
    tables = {}
    for order in ("best", "worst", "random"):
        assert Image.open(tmp_path / "pictures" / f"GenePersonToy_{order}.png").size[1] > 500
        with (tmp_path / "pictures" / f"GenePersonToy_{order}.csv").open() as file:
            tables[order] = list(csv.DictReader(file))
        assert len(tables[order]) == 12
    assert float(tables["best"][0]["AP_percent"]) >= float(tables["worst"][0]["AP_percent"])
    for row in tables["best"] + tables["worst"]:
        query, hit = Path(row["query"]).name, Path(row["path"]).name
        assert query[:7] != hit[:7]  # the same person in the same camera is junk


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_export_gives_pytorchs_features(trained: Path, tmp_path: Path, suffix: str) -> None:
    embedder = dppp.load(trained / "model_inference.pth", device="cpu")
    path = tmp_path / f"model{suffix}"
    assert export(embedder, path) < 1e-4
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3, 128, 64), dtype=np.uint8)
    expected = embedder.embed_pixels([*map(_tensor, pixels)])
    if suffix == ".onnx":
        import onnx
        import onnxruntime

        facts = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert facts["channel_order"] == "RGB" and facts["image_height"] == "128"
        assert facts["model_digest"] == embedder.digest
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = session.run(["features"], {"images": pixels})[0]
    else:
        import torch

        extra = {"preprocessing.json": ""}
        program = torch.export.load(str(path), extra_files=extra)
        assert json.loads(extra["preprocessing.json"])["image_width"] == "64"
        found = program.module()(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def _tensor(pixels: np.ndarray) -> object:
    import torch

    return torch.from_numpy(pixels).float()


def test_mistakes_on_the_command_line(
    tool: Tool, trained: Path, gallery: Path, tmp_path: Path
) -> None:
    model = ["--model", trained / "model_inference.pth"]
    nobody = ["--gallery", gallery, "--query", "nobody.jpg"]
    refused(tool("search", *model, *nobody, cwd=tmp_path), "nobody.jpg")
    refused(tool("export", *model, "--output", "model.txt", cwd=tmp_path), ".onnx or .pt2")
    output = ["--output", "a.npz"]
    refused(tool("extract", tmp_path, *model, *output, cwd=tmp_path), "no .jpg, .jpeg")
    assert not list(tmp_path.iterdir())
