"""One command line that trains on GenePerson and another folder together, and evaluates on both."""

import json
import shutil
from pathlib import Path

from PIL import Image

import processes
from helpers import DPPP_CONFIGS, ROOT, SMALL

ONE_PHASE = ("MODEL.DPPP.PHASES", (1,), "INPUT.SIZE_TRAIN", [64, 32], "INPUT.SIZE_TEST", [64, 32])
PARTS = ("bounding_box_train", "query", "bounding_box_test")


def copy_as(source: Path, target: Path, name: str) -> None:
    """Copy the images of a generated set, with names formatted from number, pid and camera."""
    for part in PARTS:
        (target / part).mkdir(parents=True)
        for number, image in enumerate(sorted((source / part).iterdir())):
            pid, rest = image.name.split("_c")
            labels = {"number": number, "pid": int(pid), "camera": int(rest[0])}
            shutil.copy(image, target / part / name.format(**labels))


def test_geneperson_and_two_other_folders_in_one_line(data_root: Path, tmp_path: Path) -> None:
    datasets = tmp_path / "datasets"
    shutil.copytree(data_root / "GenePersonToy", datasets / "GenePersonToy")
    toy = datasets / "GenePersonToy"
    copy_as(toy, datasets / "Own", "{pid}_c1{camera}_{number}.jpg")  # cameras 11 to 16
    for folder in ("Market-1501-v15.09.15", "DukeMTMC-reID"):
        copy_as(toy, datasets / folder, "{pid:04d}_c{camera}s1_{number:06d}.jpg")
    for index, image in enumerate((datasets / "Own" / PARTS[0]).iterdir()):
        if index % 4 == 0:  # some of a user's images are PNG
            Image.open(image).save(image.with_suffix(".png"))
            image.unlink()
    sets = "('GenePersonToy', 'Own', 'Market1501')"
    result = processes.run(
        ROOT / "tools" / "train_net.py",
        "--config-file", DPPP_CONFIGS / "quickstart.yml",
        *SMALL, *ONE_PHASE, "OUTPUT_DIR", "out",
        "DATASETS.MARKET_STYLE_DIRS", "('Own',)", "DATASETS.NAMES", sets,
        "DATASETS.TESTS", "('GenePersonToy', 'Own', 'Market1501', 'DukeMTMC')",
        cwd=tmp_path,
        environment={"FASTREID_DATASETS": str(datasets)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    table = json.loads((tmp_path / "out" / "summary.json").read_text())["results_percent"]
    assert set(table) == {"GenePersonToy", "Own", "Market1501", "DukeMTMC"}
    assert all("after phase 1" in scores for scores in table.values())
    assert "=> Loaded Own in csv format" in result.stdout
    assert "| train    | 10      | 60         | 6           |" in result.stdout
    # DukeMTMC is loaded several times, and its owners' withdrawal logged once.
    assert result.stdout.count("DukeMTMC-reID was withdrawn by its owners") == 1
    log = (tmp_path / "out" / "log.txt").read_text()
    assert log.count("DukeMTMC-reID was withdrawn by its owners") == 1
