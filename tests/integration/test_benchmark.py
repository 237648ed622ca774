"""tools/benchmark.py on the small CLIP: its tables, its JSON, and what it refuses."""

import json
import re
from pathlib import Path

import pytest

import processes
import tiny_models
from helpers import GENEPERSON_CONFIGS, ROOT, SMALL, TOY

TOOL = ROOT / "tools" / "benchmark.py"
QUICKSTART = ROOT / "configs" / "DPPP" / "quickstart.yml"


def test_train(tmp_path: Path) -> None:
    options = ("--config-file", QUICKSTART, "--batch", 8, "--rounds", 1, "--output", "out.json")
    run = processes.run(TOOL, "train", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "**Phase 1, CLIPDPPP DPPP-Tiny-8-quickgelu, 8 images, fp32**" in run.stdout
    first, second = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert [t["name"] for t in first["timings"]] == ["plain", "CLIP-ReID, stage 2", "dppp"]
    assert [t["name"] for t in second["timings"]] == ["plain", "dppp"]
    for table in (first, second):
        assert table["timings"][0]["ratio"] == 1.0
        assert all(0 < timing["share"] for timing in table["timings"])
        assert all(timing["rate"] == 8 / timing["seconds"][0] for timing in table["timings"])


def test_embed(tmp_path: Path) -> None:
    options = ("--batch", 1, "--rounds", 1, "--precision", "fp32", "--device", "cpu")
    run = processes.run(TOOL, "embed", *options, "--output", "out.json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"] == "Embedding, ViT-B-16-quickgelu, 1 images, fp32"
    assert [timing["name"] for timing in table["timings"]] == ["open_clip", "dppp"]


def test_load(tmp_path: Path) -> None:
    images = ("--images", 128, "--size", 128, 64, "--batches", 2, "--workers", 2)
    options = ("--config-file", QUICKSTART, *images, "--rounds", 1, "--output", "out.json")
    run = processes.run(TOOL, "load", *options, "MODEL.DEVICE", "cpu", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    decoders, *loaders = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert [t["name"] for t in decoders["timings"][:2]] == ["Pillow", "OpenCV"]
    assert decoders["notes"][0] == "OpenCV: 128 of 128 images have Pillow's pixels."
    assert [table["title"] for table in loaders] == [
        f"Loading, workers: {number}, batches of 64" for number in (2, 1)
    ]
    for table in loaders:
        names = [timing["name"] for timing in table["timings"]]
        assert names == ["FastReID", "dppp", "dppp, CACHE ram"]
        assert all(0 < timing["share"] for timing in table["timings"])
    assert "8 times one worker" in loaders[1]["notes"][0]


def test_evaluate_without_cython(tmp_path: Path) -> None:
    (tmp_path / "Cython.py").write_text("raise ImportError")
    size = ("--queries", 40, "--gallery", 500, "--identities", 9)
    no_cython = {"PYTHONPATH": str(tmp_path)}  # read by the process that compiles
    options = (*size, "--rounds", 2, "--output", "out.json")
    run = processes.run(TOOL, "evaluate", *options, cwd=tmp_path, environment=no_cython)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"] == "Ranking, 40 queries, 500 gallery images"
    runs = {timing["name"]: len(timing["seconds"]) for timing in table["timings"]}
    assert runs == {"FastReID, Python": 1, "dppp": 2}
    scores, compiled = table["notes"]
    assert scores.startswith("FastReID, Python: CMC, AP and INP of each query are ours within ")
    assert compiled == "FastReID, compiled: not available, no compiler or no Cython."


def test_stage_1_is_measured_without_stage_2() -> None:
    for name in ("calls", "generate", "matting", "measuring", "u2net"):
        text = (ROOT / "tools" / "benchmarks" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.search(r"^ *(from|import) (dppp|fastreid)", text, re.MULTILINE), name


def test_generate_procedural(tmp_path: Path) -> None:
    config = GENEPERSON_CONFIGS / "quickstart.yml"
    few = ("--candidates", 1, "--rounds", 1, "--output", "out.json")
    options = ("--only", "procedural", "--config-file", config, *few)
    run = processes.run(TOOL, "generate", *options, "SCENES.POOL_SIZE", 1, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"].startswith("Procedural route, 1 candidates, ")
    [timing] = table["timings"]
    assert 0 < timing["share"] < 1


def test_generate_matting(tmp_path: Path) -> None:
    model = tiny_models.save_saliency(tmp_path / "net.onnx")
    few = ("--cells", 3, "--rounds", 1, "--batch-size", 2, "--provider", "cpu", "--model", model)
    options = ("--only", "matting", *few, "--output", "out.json")
    run = processes.run(TOOL, "generate", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    names = ["rembg.remove", "geneperson, one at a time", "geneperson, 2 at once"]
    assert [timing["name"] for timing in table["timings"]] == names
    assert [note.partition(";")[0] for note in table["notes"]] == [
        f"{name}: masks differ from rembg's by 0 of 255 at most" for name in names
    ]


def test_generate_calls(tmp_path: Path) -> None:
    config = GENEPERSON_CONFIGS / "sdxl_fast.yml"
    options = ("--only", "calls", "--config-file", config, "--output", "out.json")
    run = processes.run(TOOL, "generate", *options, "DIFFUSION.STEPS", 4, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"] == "Calls of each network, 2 canvases of sdxl_fast.yml"
    rows = {name: calls for name, *calls in table["rows"]}
    assert rows["denoiser"] == ["4 x 2", "4 x 2"]
    assert rows["embedding of the skeleton map"] == ["4 x 2", "1 x 1"]


@pytest.mark.parametrize(
    ("subject", "sizes"),
    [
        ("ranking", ["1,000", "10,000"]),
        ("sampling", ["500", "2,000"]),
        ("classifier", ["1,000", "10,000"]),
        ("losses", ["16", "64", "256"]),
        ("step", ["8", "16"]),
        ("processes", ["1", "2"]),
    ],
)
def test_grow(tmp_path: Path, subject: str, sizes: list[str]) -> None:
    few = ("--only", subject, "--quick", "--rounds", 1, "--device", "cpu")
    options = (*few, "--config-file", QUICKSTART, "--output", "out.json")
    run = processes.run(TOOL, "grow", *options, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    for table in json.loads((tmp_path / "out.json").read_text())["tables"]:
        assert [row[0] for row in table["rows"]] == sizes
        assert all(float(row[1]) > 0 for row in table["rows"])
        first, *others = (row[2] for row in table["rows"])
        assert first == "" and len([float(exponent) for exponent in others]) == len(sizes) - 1


@pytest.fixture
def finished(data_root: Path, tmp_path: Path) -> Path:
    """OUTPUT_DIR of the quickstart after an epoch of each phase."""
    folder = tmp_path / "run"
    options = ("--config-file", QUICKSTART, *SMALL, *TOY, "OUTPUT_DIR", folder)
    environment = {"FASTREID_DATASETS": str(data_root)}
    tool = ROOT / "tools" / "train_net.py"
    run = processes.run(tool, *options, cwd=tmp_path, environment=environment)
    assert run.returncode == 0, run.stderr
    return folder


def test_precision(finished: Path, data_root: Path, tmp_path: Path) -> None:
    opts = (*SMALL, *TOY, "MODEL.WEIGHTS", finished / "model_final.pth")
    options = ("--config-file", QUICKSTART, "--rounds", 1, "--output", "out.json", *opts)
    environment = {"FASTREID_DATASETS": str(data_root)}
    run = processes.run(TOOL, "precision", *options, cwd=tmp_path, environment=environment)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"].startswith("Evaluating GenePersonToy, ")
    assert [timing["name"] for timing in table["timings"]] == ["fp32", "bf16"]
    rank_1, mean_ap = table["notes"]
    scores = json.loads((finished / "summary.json").read_text())["results_percent"]
    expected = scores["GenePersonToy"]["after phase 2"]
    assert rank_1.startswith(f"Rank-1: {expected['Rank-1']:.2f} in fp32, ")
    assert mean_ap.startswith(f"mAP: {expected['mAP']:.2f} in fp32, ")


def test_search(tmp_path: Path) -> None:
    sizes = ("--gallery", 2_000, "--queries", 20, "--dim", 64)
    run = processes.run(TOOL, "search", *sizes, "--rounds", 1, "--output", "out.json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    [table] = json.loads((tmp_path / "out.json").read_text())["tables"]
    assert table["title"] == "Search, 20 queries, 2,000 features of 64 numbers"
    assert [timing["name"] for timing in table["timings"]] == ["exact", "hnsw", "ivf"]
    assert table["timings"][0]["ratio"] == 1.0
    for note, name in zip(table["notes"][1:], ("hnsw", "ivf"), strict=True):
        found = re.fullmatch(rf"{name}: recall@10 (\S+), built in .* s, (\d+) bytes .*", note)
        assert found and float(found[1]) >= 0.9 and 2 * 64 < int(found[2]) < 2 * 64 + 400


def test_refuses_in_one_line(tmp_path: Path) -> None:
    for arguments, says in (
        (("draw",), "invalid choice: 'draw'"),
        (("train", "--rounds", 0), "--rounds: 0 is not a whole number, 1 or more"),
        (("generate", "--only", "calls", "--config-file", "none.yml"), "none.yml"),
        (("search", "--gallery", 5), "--gallery must be 10 or more"),
        (("precision", "--config-file", QUICKSTART), "MODEL.WEIGHTS names no checkpoint"),
    ):
        run = processes.run(TOOL, *arguments, cwd=tmp_path)
        assert run.returncode == 2
        assert says in run.stderr and run.stderr.count("\n") == 1
