"""Tables next to the paper's: what was measured is shown, what was not says why."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dppp import UserError
from dppp.reproduce import REPORTS, TABLES, Request, checkout, measuring, paper, runs, testbeds
from dppp_commands.reproduce import parse
from helpers import DPPP_CONFIGS, ROOT, SMALL

ROWS = [row for table in TABLES.values() for row in table.rows]
OPTS = tuple(map(str, SMALL))
SUMMARY = {
    "results_percent": {
        "GenePersonTwinsShifted": {
            "chance": {"Rank-1": 1.0, "Rank-5": 2.0, "mAP": 3.0},
            "after phase 1": {"Rank-1": 11.0, "Rank-5": 21.0, "mAP": 31.0},
            "after phase 2": {"Rank-1": 12.0, "Rank-5": 22.0, "mAP": 32.0},
        }
    },
    "not_available": ["Market1501"],
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.config)
def test_every_row_has_its_config_and_the_papers_number(row: paper.Row) -> None:
    assert (DPPP_CONFIGS / row.config).is_file()
    for scores in row.paper.values():
        assert all(value is None or 0 < value < 100 for value in scores.values())


def test_numbers_of_the_paper() -> None:
    """A few cells against the printed tables."""
    cells = {row.label: row.paper for row in TABLES["table3"].rows}
    assert cells["GenePerson†"]["DukeMTMC"] == {"Rank-1": 57.5, "Rank-5": 71.3, "mAP": 37.2}
    assert cells["SOMAset"]["Market1501"] == {"Rank-1": 4.5, "Rank-5": None, "mAP": 1.3}
    rows = {row.label: row.paper["Market1501"] for row in TABLES["table6"].rows}
    assert rows["k = 6"] == {"Rank-1": 57.7, "Rank-5": 78.7, "mAP": 32.6}
    assert [row.paper["Market1501"]["mAP"] for row in TABLES["table4"].rows] == [
        10.6,
        29.9,
        31.7,
        32.4,
        32.6,
    ]


def finish(config: str, seed: int, runs_dir: Path, summary: dict) -> None:
    """Write a finished run to where the table looks for it."""
    opts = [*runs.row_opts(config), "SEED", str(seed)]
    run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", opts, runs_dir)
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "summary.json").write_text(json.dumps(summary))


def make(name: str, runs_dir: Path, testbed: str = "embedded", **fields: Any) -> str:
    return REPORTS[name](Request(name=name, testbed=testbed, runs_dir=runs_dir, **fields))


def test_measured_numbers_are_next_to_the_papers(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    finish("ablations/table4_b.yml", 0, tmp_path, SUMMARY)
    finish("ablations/table4_e.yml", 0, tmp_path, SUMMARY)
    text = make("table4", tmp_path, output=tmp_path / "t.md")
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    cells = [cell.strip() for cell in lines["b) + L1_ReID"].split("|")[2:-1]]
    assert cells == ["55.0", "11.0", "29.9", "31.0"]  # after phase 1
    assert "12.0" in lines["e) + L2_SupCon"] and "32.0" in lines["e) + L2_SupCon"]
    assert "not available: not trained" in lines["a) L1_SupCon"]
    assert "The embedded testbed is not the paper's" in text
    content = json.loads((tmp_path / "t.json").read_text())
    cell = content["rows"][0]["cells"]["GenePersonTwinsShifted mAP"]
    assert cell["measured"] is None and "not trained" in cell["not_available"]
    assert content["rows"][1]["cells"]["GenePersonTwinsShifted mAP"]["measured"] == [31.0]
    assert (tmp_path / "t.md").read_text() == text


def test_seeds_give_mean_and_deviation_or_nothing(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    higher = json.loads(json.dumps(SUMMARY).replace("31.0", "35.0"))
    finish("ablations/table4_b.yml", 0, tmp_path, SUMMARY)
    assert "not trained" in make("table4", tmp_path, num_seeds=2).splitlines()[5]
    finish("ablations/table4_b.yml", 1, tmp_path, higher)
    assert "33.0 ± 2.8" in make("table4", tmp_path, num_seeds=2).splitlines()[5]


def test_rows_with_the_same_settings_share_a_run(tmp_path: Path) -> None:
    def folder(config: str) -> Path:
        return runs.plan_run(DPPP_CONFIGS / config, [], tmp_path).folder

    assert folder("ablations/table4_e.yml") == folder("ablations/table6_k06.yml")
    assert folder("ablations/table4_d.yml") != folder("ablations/table4_e.yml")


def test_missing_data_is_named_and_no_device_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(tmp_path))
    # Nothing can be trained, so nothing is.
    text = make("table3", tmp_path, "paper", train=True)
    row = next(line for line in text.splitlines() if "RandPerson" in line)
    assert row.count("not available: RandPerson, Market1501, DukeMTMC") == 6
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def trained(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run: the last row of Table IV."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
        measured = measure_last_row(folder, train=True)
    assert not measured.missing and len(measured.scores["GenePersonTwinsShifted"]["mAP"]) == 1
    return folder


def measure_last_row(runs_dir: Path, *, train: bool) -> measuring.Measured:
    testbed = testbeds.choose_testbed("embedded", TABLES["table4"])
    request = Request(name="table4", testbed="embedded", runs_dir=runs_dir, train=train, opts=OPTS)
    return measuring.measure(TABLES["table4"].rows[-1], testbed, request)


def test_a_trained_row_is_found_again(
    trained: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    assert measure_last_row(trained, train=True) == measure_last_row(trained, train=False)
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_a_run_on_other_data_is_not_taken(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    finish("ablations/table4_b.yml", 0, tmp_path / "runs", SUMMARY)
    assert "11.0" in make("table4", tmp_path / "runs")
    changed = Path(shutil.copytree(data_root, tmp_path / "data"))
    monkeypatch.setenv("FASTREID_DATASETS", str(changed))
    next((changed / "GenePersonToy" / "bounding_box_train").iterdir()).write_bytes(b"another")
    assert "11.0" not in make("table4", tmp_path / "runs")


def test_a_test_set_that_some_seeds_lack_has_no_mean(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    finish("ablations/table4_b.yml", 0, tmp_path, SUMMARY)
    lacking = {"results_percent": {}, "not_available": ["GenePersonTwinsShifted"]}
    finish("ablations/table4_b.yml", 1, tmp_path, lacking)
    line = make("table4", tmp_path, num_seeds=2).splitlines()[5]
    assert "11.0" not in line and "not available: GenePersonTwinsShifted" in line


def test_fig6_draws_two_domains(
    trained: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run with PDM is the one of Table IV; the baseline is trained."""
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    output = tmp_path / "fig6.md"
    text = make("fig6", trained, train=True, output=output, opts=OPTS)
    assert text.count(": mean distance") == 2 and "not available" not in text
    assert len(list(trained.glob("*/summary.json"))) == 2
    content = json.loads(output.with_suffix(".json").read_text())["distances"]
    for histogram in content.values():
        density, edges = np.array(histogram["density"]), np.array(histogram["edges"])
        assert abs((density * np.diff(edges)).sum() - 1.0) < 1e-6
    assert output.with_suffix(".png").stat().st_size > 5000


def test_a_test_set_that_the_paper_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets that a request adds to DATASETS.TESTS have columns of their own; the run is scored."""
    monkeypatch.setenv("FASTREID_DATASETS", str(tmp_path))
    opts = ("DATASETS.TESTS", "('Market1501','ClonedPerson')")
    row = TABLES["table4"].rows[0]
    run = runs.plan_run(DPPP_CONFIGS / row.config, [*opts, "SEED", "0"], tmp_path)
    run.folder.mkdir()
    stages = {"after phase 1": {"Rank-1": 71.0, "Rank-5": 81.0, "mAP": 41.0}}
    content = {"results_percent": {"ClonedPerson": stages}, "not_available": ["Market1501"]}
    (run.folder / "summary.json").write_text(json.dumps(content))
    text = make("table4", tmp_path, "paper", opts=opts, output=tmp_path / "t.md")
    header = text.splitlines()[2]
    assert header.count("ClonedPerson") == 2 and "DukeMTMC" not in header
    cells = [cell.strip() for cell in text.splitlines()[4].split("|")[2:-1]]
    missing = "not available: Market1501"
    assert cells == ["23.0", missing, "10.6", missing, "71.0", "41.0"]
    row_cells = json.loads((tmp_path / "t.json").read_text())["rows"][0]["cells"]
    assert row_cells["ClonedPerson mAP"] == {
        "paper": None, "measured": [41.0], "not_available": None,
    }  # fmt: skip


def test_a_run_that_fails_gives_its_reason(
    tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTREID_DATASETS", str(data_root))
    run = runs.plan_run(
        DPPP_CONFIGS / "testbed.yml",
        ["MODEL.DPPP.CLIP_PRETRAINED", "nowhere.pt", *OPTS],
        tmp_path,
    )
    with pytest.raises(runs.NotAvailableError, match=r"nowhere\.pt"):
        runs.ensure(run, train=True)


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--seeds is 0"):
        make("table4", tmp_path, num_seeds=0)
    with pytest.raises(UserError, match=r"table3 .* no embedded testbed"):
        make("table3", tmp_path)
    with pytest.raises(UserError, match="NO_SUCH_KEY"):
        make("table4", tmp_path, opts=("NO_SUCH_KEY", "1"))
    with pytest.raises(UserError, match="fig6 shows one run"):
        make("fig6", tmp_path, "paper", num_seeds=2)
    with pytest.raises(UserError, match=r"--output report\.txt: .* must end in \.md"):
        make("table4", tmp_path, output=Path("report.txt"))


def test_an_installed_package_without_its_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    monkeypatch.setattr(checkout, "CONFIGS", tmp_path / "configs" / "DPPP")
    with pytest.raises(UserError, match=r"no configs/DPPP .* clone it") as caught:
        make("table4", tmp_path)
    assert "\n" not in str(caught.value)


def test_the_device_does_not_name_a_run(tmp_path: Path) -> None:
    config = DPPP_CONFIGS / "testbed.yml"
    folders = {
        runs.plan_run(config, opts, tmp_path).folder for opts in ([], ["MODEL.DEVICE", "cpu"])
    }
    assert len(folders) == 1


def test_one_seed_has_no_deviation() -> None:
    assert measuring.Measured({"T": {"mAP": [1.25]}}).cell("T", "mAP") == "1.2"
    assert measuring.Measured().cell("T", "mAP") == "not available: not in DATASETS.TESTS"


def test_settings_may_come_after_options() -> None:
    args = parse(["table4", "--seeds", "3", "--train", "SOLVER.AMP.ENABLED", "True"])
    assert (args.name, args.seeds, args.opts) == ("table4", 3, ["SOLVER.AMP.ENABLED", "True"])


def test_a_report_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    run = runs.plan_run(DPPP_CONFIGS / "testbed.yml", ["SEED", "1"], ROOT / "logs" / "runs")
    command = run.shown_command()
    assert command.startswith("python tools/train_net.py --config-file configs/DPPP/testbed.yml")
    assert str(ROOT) not in command and "OUTPUT_DIR logs/runs/" in command


def test_a_rows_config_may_derive_from_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It brings that one's keys along, before its own."""
    (tmp_path / "vit_b16.yml").write_text("SOLVER: {BASE_LR: 1.0}")
    (tmp_path / "rows").mkdir()
    (tmp_path / "middle.yml").write_text(
        "_BASE_: vit_b16.yml\nMODEL: {DPPP: {NUM_STYLE_WORDS: 4}}\nINPUT: {INSTANCE_NORM: True}"
    )
    (tmp_path / "rows" / "row.yml").write_text(
        "_BASE_: ../middle.yml\nMODEL: {DPPP: {NUM_STYLE_WORDS: 6}}\nOUTPUT_DIR: logs"
    )
    monkeypatch.setattr(runs, "CONFIGS", tmp_path)
    assert runs.row_opts("vit_b16.yml") == []
    words = runs.row_opts("rows/row.yml")
    assert words == [
        *("MODEL.DPPP.NUM_STYLE_WORDS", "4", "INPUT.INSTANCE_NORM", "True"),
        *("MODEL.DPPP.NUM_STYLE_WORDS", "6"),
    ]
