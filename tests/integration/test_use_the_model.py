"""The commands that use a trained model: extract, search, visualize, export."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dppp
import processes
from dppp.inference import load_features
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


def test_people_are_found_by_words(
    tool: Tool, data_root: Path, gallery: Path, tmp_path: Path
) -> None:
    """The shipped CLIP, and the description of each held-out person."""
    people = [json.loads(line) for line in open(data_root / "GenePersonToy" / "identities.jsonl")]
    held_out = {p["pid"]: full_caption(p["attributes"]) for p in people if p["split"] == "test"}
    clip = ["--model", "DPPP-Tiny-8-quickgelu:procedural", "--gallery", gallery]
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


def test_search_by_an_index(tool: Tool, trained: Path, gallery: Path, tmp_path: Path) -> None:
    """bf16 features of the gallery, a query in fp32, and the index of the first search."""
    model = ["--model", trained / "model_inference.pth"]
    output = ["--output", "gallery.npz", "--precision", "bf16"]
    extracted = tool("extract", gallery, *model, *output, cwd=tmp_path)
    assert extracted.returncode == 0 and " in bf16, 0 skipped" in extracted.stdout
    query = ["--gallery", "gallery.npz", "--query", images(gallery)[0], "--top", 3]
    exact = tool("search", *model, *query, cwd=tmp_path)
    assert exact.returncode == 0 and "recall" not in exact.stderr
    assert images(gallery)[0].name not in exact.stdout.split("\n", 1)[1]
    for says in ("gallery.hnsw.faiss: built in ", "gallery.hnsw.faiss: built earlier in "):
        found = tool("search", *model, *query, "--index", "hnsw", cwd=tmp_path)
        assert found.returncode == 0 and found.stdout == exact.stdout
        (line,) = [line for line in found.stderr.splitlines() if "recall@10 " in line]
        assert line.startswith(says) and line.endswith(" ms a query")
    refused(tool("search", *model, *query, "--index", "lsh", cwd=tmp_path), "invalid choice: 'lsh'")


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
