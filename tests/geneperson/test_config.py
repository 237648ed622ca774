"""Settings are read with their base files, and mistakes are named in one line."""

from itertools import islice
from pathlib import Path

import pytest

from geneperson import UserError, get_cfg, load
from geneperson.pipeline.spec import BuildSpec
from helpers import GENEPERSON_CONFIGS


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "path", sorted(GENEPERSON_CONFIGS.glob("*.yml")), ids=lambda path: path.name
)
def test_every_shipped_file_loads(path: Path) -> None:
    assert load(path).is_frozen()


def test_the_files_state_every_default() -> None:
    import yaml

    def keys(content: dict, prefix: str = "") -> dict:
        flat = {}
        for name, value in content.items():
            is_section = isinstance(value, dict)
            flat |= keys(value, f"{prefix}{name}.") if is_section else {f"{prefix}{name}": value}
        return flat

    stated = keys(yaml.safe_load((GENEPERSON_CONFIGS / "Base.yml").read_text()))
    models = keys(yaml.safe_load((GENEPERSON_CONFIGS / "sdxl.yml").read_text()))
    own = {
        "_BASE_",
        "SYNTHESIS.NAME",
        "POSES.LIMB_WIDTH",
        "POSES.JOINT_RADIUS",
        "POSES.FACE_RADIUS",
        "CAMERA.EFFECTS",
        "SCENES.POOL_SIZE",
        *(f"QUALITY.{key}" for key in ("MIN_HEIGHT", "MAX_WIDTH", "MIN_JOINTS")),
        *(f"QUALITY.{key}" for key in ("MIN_SAME_PERSON", "TWINS")),
    }  # what the file is meant to change
    stated |= {key: value for key, value in models.items() if key not in own}
    defaults = keys(get_cfg())
    defaults = {key: list(v) if isinstance(v, tuple) else v for key, v in defaults.items()}
    for key in ("DIFFUSION.EXTRA_PROMPT", "DIFFUSION.NEGATIVE_EXTRA"):
        assert stated.pop(key) and defaults.pop(key) == ""  # the words of a photograph
    assert stated == defaults


def test_quickstarts_are_what_the_training_configs_count_on() -> None:
    source, shifted = (
        load(GENEPERSON_CONFIGS / f"quickstart{suffix}.yml") for suffix in ("", "_shifted")
    )
    assert (source.IDENTITIES.TRAIN, source.IDENTITIES.TEST, source.SEED) == (100, 30, 0)
    assert (source.CANVAS.COLUMNS, source.CANVAS.ROWS, source.WORLD) == (4, 4, "source")
    assert (shifted.IDENTITIES.TRAIN, shifted.IDENTITIES.TEST) == (0, 90)
    assert shifted.WORLD == "shifted" and shifted.SEED != source.SEED


def test_the_testbeds_worlds_differ_in_world_and_people_alone() -> None:
    source, twins, shifted, unseen = (
        load(GENEPERSON_CONFIGS / f"{name}.yml")
        for name in ("quickstart", "twins", "twins_shifted", "twins_unseen")
    )
    assert twins.IDENTITIES.TRAIN == source.IDENTITIES.TRAIN and twins.WORLD == source.WORLD
    assert (shifted.IDENTITIES.TRAIN, shifted.IDENTITIES.TEST) == (0, 150)
    assert unseen.IDENTITIES == shifted.IDENTITIES
    assert (shifted.WORLD, unseen.WORLD) == ("shifted", "unseen")
    assert [cfg.IDENTITIES.TWINS for cfg in (source, twins, shifted, unseen)] == [0, 0.5, 0.5, 0.5]
    assert len({cfg.SEED for cfg in (source, twins, shifted, unseen)}) == 4


def test_the_small_clip_sees_no_outfit_of_the_quickstarts() -> None:
    excluded = load(GENEPERSON_CONFIGS / "pretraining.yml").IDENTITIES.EXCLUDE
    for suffix in ("", "_shifted"):
        cfg = load(GENEPERSON_CONFIGS / f"quickstart{suffix}.yml")
        people = cfg.IDENTITIES.TRAIN + cfg.IDENTITIES.TEST
        assert any(seed == cfg.SEED and count >= people for seed, count in excluded)


def test_nearer_files_and_overrides_win(tmp_path: Path) -> None:
    write(tmp_path / "a.yml", "SEED: 1\nJPEG_QUALITY: 80\nQUALITY: {MIN_CELLS: 3}\n")
    (tmp_path / "sub").mkdir()
    path = write(tmp_path / "sub" / "b.yml", "_BASE_: ../a.yml\nSEED: 2\n")
    cfg = load(path, ["QUALITY.MIN_AREA", "0", "CANVAS.CELL_SIZE", "(64, 32)"])
    assert (cfg.SEED, cfg.JPEG_QUALITY, cfg.QUALITY.MIN_CELLS) == (2, 80, 3)
    assert cfg.QUALITY.MIN_AREA == 0.0 and isinstance(cfg.QUALITY.MIN_AREA, float)
    assert cfg.CANVAS.CELL_SIZE == (64, 32)


def test_vocabulary_file_starts_from_the_config_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yml", "VOCABULARY: {FILE: words.json}\n")
    assert load(path).VOCABULARY.FILE == str(tmp_path / "words.json")


def test_a_shipped_vocabulary_is_known_by_name_and_twins_reach_the_people(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yml", "VOCABULARY: {FILE: street}\nIDENTITIES: {TWINS: 1}\n")
    spec = BuildSpec.from_config(load(path))
    assert spec.settings["configuration"]["VOCABULARY"]["FILE"] == "street"
    assert spec.settings["configuration"]["IDENTITIES"]["TWINS"] == 1.0
    one, other = islice(spec.identities(), 2)
    assert "carrying" in one.attributes
    assert len(one.attributes.items() - other.attributes.items()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SEEED: 1", "unknown key 'SEEED'"),
        ("QUALITY: {MIN: 1}", "unknown key 'QUALITY.MIN'"),
        ("QUALITY: 3", "QUALITY in .* is a section"),
        ("IDENTITIES:", "IDENTITIES in .* is a section"),
        ("QUALITY: &q {MORE: *q}", "is nested without end"),
        ("CANVAS: {CELL_SIZE: [4096, 4096]}", "at most 67108864 pixels"),
        ("DIFFUSION: {SCALE: 0.2}", "DIFFUSION.SCALE is 0.2, must be in 0.25..8"),
        ("DIFFUSION: {BACKGROUND_SIZE: [100, 100]}", "DIFFUSION.BACKGROUND_SIZE"),
        ("DIFFUSION: {MIN_CELL: [8, 8]}", "DIFFUSION.MIN_CELL"),
        ("DIFFUSION: {MEGAPIXELS: [2, 1]}", "DIFFUSION.MEGAPIXELS is .*fewest, most"),
        ("DIFFUSION: {MEGAPIXELS: [2]}", "DIFFUSION.MEGAPIXELS"),
        ("DIFFUSION: {MEGAPIXELS: [a, b]}", "DIFFUSION.MEGAPIXELS"),
        ("DIFFUSION: {VAE_TILING: 1}", "VAE_TILING .* must be of type bool"),
        ("DIFFUSION: {DTYPE: int8}", "DIFFUSION.DTYPE is 'int8', must be one of bf16"),
        ("DIFFUSION: {LORA: {STYLE_WEIGHT: .inf}}", "DIFFUSION.LORA.STYLE_WEIGHT is inf"),
        ("DIFFUSION: {GUIDANCE: .nan}", "DIFFUSION.GUIDANCE is nan"),
        ("MATTING: {PROVIDER: tpu}", "MATTING.PROVIDER is 'tpu'"),
        ("SEED.X: 3", "unknown key 'SEED.X'"),
        ("SEED: one", "SEED .* must be of type int"),
        ("SEED: 1.5", "SEED .* must be of type int"),
        ("CAMERA: {EFFECTS: 1}", "CAMERA.EFFECTS .* must be of type bool"),
        ("WORLD: 3", "WORLD .* must be of type str"),
        ("SEED: -1", "SEED is -1, must be in 0..9223372036854775807"),
        ("CANVAS: {CELL_SIZE: [256]}", "CANVAS.CELL_SIZE"),
        ("CANVAS: {CELL_SIZE: [a, b]}", "CANVAS.CELL_SIZE"),
        ("CANVAS: {ROWS: 0}", "CANVAS.ROWS is 0, must be in 1..64"),
        ("IDENTITIES: {TRAIN: -1}", "IDENTITIES.TRAIN is -1"),
        ("IDENTITIES: {TRAIN: 0}", "IDENTITIES.TRAIN is 0, must be 1 or more, because"),
        ("IDENTITIES: {TWINS: 1.5}", "IDENTITIES.TWINS is 1.5, must be in 0..1"),
        ("IDENTITIES: {TWINS: 0.2}\nQUALITY: {TWINS: reject}", "QUALITY.TWINS .* or keep, because"),
        ("IDENTITIES: {TEST: 1}\nQUALITY: {MIN_CELLS: 1}", "QUALITY.MIN_CELLS .* two cameras"),
        ("QUALITY: {KEEP: 0}", "QUALITY.KEEP is 0.0, must be in"),
        ("QUALITY: {KEEP: 0.05}", "QUALITY.KEEP is 0.05, .* QUALITY.MIN_CELLS"),
        ("QUALITY: {MIN_CELLS: 43}", "QUALITY.MIN_CELLS is 43, must be in 1..42"),
        ("QUALITY: {MIN_AREA: 0.7}", "QUALITY.MAX_AREA"),
        ("QUALITY: {MAX_WIDTH: 1.5}", "QUALITY.MAX_WIDTH is 1.5, must be in 0..1"),
        ("QUALITY: {MIN_SAME_PERSON: 1}", "QUALITY.MIN_SAME_PERSON is 1.0, must be in .0, 1."),
        ("QUALITY: {TWINS: drop}", "QUALITY.TWINS is 'drop', must be one of ignore, reject, keep"),
        ("QUALITY: {TWIN_SIMILARITY: 0}", "QUALITY.TWIN_SIMILARITY is 0.0, must be in .0, 1."),
        ("JPEG_QUALITY: 101", "JPEG_QUALITY is 101"),
        ("- 1", "'KEY: value' lines"),
        ("a: [", "not YAML"),
        ("_BASE_: none.yml", "none.yml: No such file"),
        ("_BASE_: a.yml", "leads back to itself"),
        ("_BASE_: [a.yml]", "_BASE_ must be a file name"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        load(write(tmp_path / "a.yml", text))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("opts", "message"),
    [(["SEED"], "'SEED' has no value"), (["SEED", "x"], "command line"), (["X", "1"], "'X'")],
)
def test_mistakes_in_overrides(opts: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(GENEPERSON_CONFIGS / "Base.yml", opts)


def test_all_wrong_values_come_at_once() -> None:
    with pytest.raises(UserError, match=r"SEED .*; .*JPEG_QUALITY"):
        load(GENEPERSON_CONFIGS / "Base.yml", ["SEED", "-1", "JPEG_QUALITY", "0"])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yml: No such file"):
        load(tmp_path / "none.yml")


@pytest.mark.parametrize("text", ["(3,)", "((0, -1),)", "((0, 1, 2),)", "((0, 1.5),)", "('ab',)"])
def test_exclude_takes_pairs_of_seed_and_number(text: str) -> None:
    with pytest.raises(UserError, match=r"IDENTITIES\.EXCLUDE is .* pairs of a seed and a number"):
        load(GENEPERSON_CONFIGS / "Base.yml", ["IDENTITIES.EXCLUDE", text])
    cfg = load(GENEPERSON_CONFIGS / "Base.yml", ["IDENTITIES.EXCLUDE", "((0, 180), (1, 30))"])
    assert cfg.IDENTITIES.EXCLUDE == ((0, 180), (1, 30))


def test_what_is_excluded_is_recorded() -> None:
    cfg = load(GENEPERSON_CONFIGS / "Base.yml", ["IDENTITIES.EXCLUDE", "((0, 180),)"])
    stated = BuildSpec.from_config(cfg).settings["configuration"]["IDENTITIES"]
    assert stated["EXCLUDE"] == [[0, 180]]
