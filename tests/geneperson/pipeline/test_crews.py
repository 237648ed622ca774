"""Whoever draws a set, and however often that was killed: it is the set of one process."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from stopping import kill_all, paused, start, wait_until
from yacs.config import CfgNode

from geneperson import UserError, build, verify
from geneperson.dataset.layout import DATASET, STAGING
from geneperson.pipeline.build_shard import build_shard
from geneperson.pipeline.crew import Resources, available_memory, count_workers
from geneperson.pipeline.folder import begin
from geneperson.pipeline.shard import Shard
from geneperson.pipeline.spec import BuildSpec
from geneperson.pipeline.staging import Staging

pytestmark = pytest.mark.usefixtures("one_thread")

ONE, TWO = Shard(number=1, count=2), Shard(number=2, count=2)


@pytest.fixture
def cfg(picky_cfg: CfgNode) -> CfgNode:
    return picky_cfg.clone()


def tables(folder: Path) -> dict[str, bytes]:
    """Everything in a set but the record of the versions of the code."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != DATASET
    }


def staged(output: Path) -> int:
    return len(list((output / STAGING / "identities").glob("*/record.json")))


def command_line(process: Path) -> bytes:
    """What a process was started with; nothing if it has ended while we looked."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def pool_processes(parent: int) -> list[int]:
    """The processes of a build's pools, the oldest first."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in command_line(Path("/proc", child))]


@pytest.mark.slow  # three processes import torch, twice
def test_two_drawing_processes_one_of_them_killed(
    drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    config, output = tmp_path / "tiny.yml", tmp_path / "set"
    config.write_text(cfg.dump())
    process = start(config, output, tmp_path / "log", "--gpus", 2)
    wait_until(lambda: staged(output) >= 1, process)
    os.kill(pool_processes(process.pid)[-1], signal.SIGKILL)
    assert process.wait(timeout=60) == 2
    assert "error: a worker process died" in (tmp_path / "log").read_text()
    assert start(config, output, tmp_path / "log", "--gpus", 2).wait(timeout=120) == 0
    assert tables(output) == tables(drawn)
    assert verify(output) == []


def test_two_shards_at_once_killed_and_resumed(drawn: Path, cfg: CfgNode, tmp_path: Path) -> None:
    config, output = tmp_path / "tiny.yml", tmp_path / "set"
    config.write_text(cfg.dump())
    shards = [start(config, output, tmp_path / f"log{n}", "--shard", f"{n}/2") for n in (1, 2)]
    wait_until(lambda: staged(output) >= 1, shards[0])
    with paused(*shards):
        with pytest.raises(UserError, match="shard 1/2 is running already"):
            build_shard(cfg, output, ONE, Resources(workers=1))
        with pytest.raises(UserError, match="another build is writing here"):
            build(cfg, output)
        with pytest.raises(UserError, match=r"shard-\d-of-2 is running; all shards must be of one"):
            build_shard(cfg, output, Shard(number=3, count=3), Resources(workers=1))
    kill_all(shards[0])
    assert shards[1].wait(timeout=120) == 0
    assert Staging(output).is_ours()
    number = build_shard(cfg, output, ONE, Resources(workers=1))
    assert number >= 3 == ONE.share(5)
    drawn_by_shards = staged(output)
    assert build_shard(cfg, output, ONE, Resources(workers=1)) == number  # nothing left to do
    assert staged(output) == drawn_by_shards
    build(cfg, output)
    assert tables(output) == tables(drawn)
    with pytest.raises(UserError, match="holds a finished set"):
        build_shard(cfg, output, ONE, Resources(workers=1))


def test_each_batch_belongs_to_one_shard(small_cfg: CfgNode, tmp_path: Path) -> None:
    for count in (1, 2, 5):
        shards = [Shard(number=number, count=count) for number in range(1, count + 1)]
        owners = [[shard.number for shard in shards if shard.owns(batch)] for batch in range(10)]
        assert owners == [[batch % count + 1] for batch in range(10)]
    assert build_shard(small_cfg, tmp_path / "set", TWO, Resources(workers=1)) == 3
    assert Staging(tmp_path / "set").indices() == {1, 3, 5}


def test_two_shards_of_different_settings(cfg: CfgNode, tmp_path: Path) -> None:
    """The first one may be loading its models, with nothing on disk yet."""
    staging, other = Staging(tmp_path / "set"), cfg.clone()
    other.SEED = 1
    with staging.lock(ONE):
        begin(staging, BuildSpec.from_config(cfg).settings, accept_code_change=False, owns=bool)
        with pytest.raises(UserError, match="an unfinished build with SEED 0, not 1"):
            build_shard(other, tmp_path / "set", TWO, Resources(workers=1))


def test_shards_that_start_together_over_old_locks(tmp_path: Path) -> None:
    """Each looks whether one of another number runs; they must not take each other for that."""
    staging = Staging(tmp_path / "set")
    with staging.lock(ONE):
        pass
    old = staging.root / "shard-1-of-2.lock"
    with old.open() as looking, staging.lock(Shard(number=1, count=3)):
        fcntl.flock(looking, fcntl.LOCK_SH)
        with staging.lock(Shard(number=2, count=3)):
            pass


def actors() -> list[int]:
    """The processes of Ray in which an object of a crew lives."""
    processes = Path("/proc").glob("[0-9]*")
    return [int(one.name) for one in processes if command_line(one).startswith(b"ray::_Holder")]


def test_a_ray_cluster_of_this_machine(pristine: Path, small_cfg: CfgNode, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    output = tmp_path / "set"
    with pytest.raises(UserError, match=r"--workers is 5, but the Ray cluster has \d"):
        build(small_cfg, output, workers=5, executor="ray")
    assert not output.exists()
    build(small_cfg, output, workers=2, executor="ray")
    assert tables(output) == tables(pristine)


@pytest.mark.slow  # two clusters, in which four processes import torch
def test_a_ray_cluster_killed_then_one_of_its_workers(
    drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    config, output, log = tmp_path / "tiny.yml", tmp_path / "set", tmp_path / "log"
    config.write_text(cfg.dump())
    options = ("--executor", "ray", "--workers", 2)
    first = start(config, output, log, *options)
    wait_until(lambda: staged(output) >= 1, first)
    kill_all(first)
    wait_until(lambda: not actors(), None)
    for candidate in sorted((output / STAGING / "identities").iterdir())[1:]:
        shutil.rmtree(candidate)  # enough work for the second one
    second = start(config, output, log, *options)
    wait_until(lambda: len(actors()) == 3, second)
    os.kill(actors()[0], signal.SIGKILL)
    assert second.wait(timeout=120) == 0, log.read_text()
    assert tables(output) == tables(drawn)
    assert verify(output) == []


def test_a_twin_in_another_shard_is_found(cfg: CfgNode, tmp_path: Path) -> None:
    """Shards do not see one another's identities; the build that publishes sees all."""
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 3, 0
    cfg.QUALITY.MIN_SAME_PERSON, cfg.QUALITY.MAX_AREA = 0.0, 0.6
    cfg.QUALITY.TWINS, cfg.QUALITY.TWIN_SIMILARITY = "reject", 0.9
    alone = build(cfg, tmp_path / "alone")
    for shard in (ONE, TWO):
        build_shard(cfg, tmp_path / "set", shard, Resources(workers=1))
    assert build(cfg, tmp_path / "set")["digest"] == alone["digest"]
    assert tables(tmp_path / "set") == tables(tmp_path / "alone")


def test_code_changed_in_the_middle(cfg: CfgNode, tmp_path: Path) -> None:
    """Refused, unless somebody says that the change does no harm; then it is on record."""
    cfg.IDENTITIES.TRAIN, cfg.IDENTITIES.TEST = 2, 0
    output = tmp_path / "set"
    build_shard(cfg, output, ONE, Resources(workers=1))
    settings = output / STAGING / "build.json"
    content = json.loads(settings.read_text())
    settings.write_text(json.dumps(content | {"code_sha256": ["earlier"]}))
    with pytest.raises(UserError, match=r"another version .*; go on with --accept-code-change"):
        build(cfg, output)
    dataset = build(cfg, output, accept_code_change=True)
    assert dataset["code_sha256"] == ["earlier", *content["code_sha256"]]
    assert build(cfg, output)["digest"] == dataset["digest"]


def test_what_changes_only_how_a_build_runs_is_no_setting(
    drawn: Path, cfg: CfgNode, tmp_path: Path
) -> None:
    cfg.DIFFUSION.DEVICE, cfg.DIFFUSION.VAE_SLICING = "auto", False
    cfg.MATTING.PROVIDER, cfg.KEEP_CANVASES = "auto", True
    assert build(cfg, drawn)["digest"] == json.loads((drawn / DATASET).read_text())["digest"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers is 0, must be 1 or more"),
        ({"gpus": -1}, "gpus is -1, must be 0 or more"),
        ({"executor": "cloud"}, "executor is 'cloud', must be local or ray"),
        ({"address": "auto"}, "address is 'auto', but only executor ray has one"),
    ],
)
def test_resources_that_no_machine_has(
    cfg: CfgNode, tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        build(cfg, tmp_path / "set", **options)
    assert not (tmp_path / "set").exists()


def test_workers_of_this_machine(cfg: CfgNode, small_cfg: CfgNode) -> None:
    """One for each core, or each that the drawing process leaves; no more than identities."""
    cores = len(os.sched_getaffinity(0))
    for settings, number in ((small_cfg, cores), (cfg, max(1, cores - 1))):
        spec = BuildSpec.from_config(settings)
        assert count_workers(spec, Resources()) == min(number, 5)
        assert count_workers(spec, Resources(workers=4)) == 4
        assert count_workers(spec, Resources(workers=40)) == 5


def test_files_in_the_cache_do_not_count_as_memory_in_use(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 65000000 kB\nMemFree:  900000 kB\nMemAvailable:   60000000 kB\n")
    assert available_memory(path) == 60_000_000 * 1024
    assert 0 < available_memory() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1 /2"])
def test_shards_that_do_not_exist(text: str) -> None:
    with pytest.raises(UserError, match="must be I/N, such as 1/8"):
        Shard.parse(text)
    assert str(Shard.parse("2/8")) == "2/8"
