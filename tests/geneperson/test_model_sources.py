"""Names of models: what they mean, what they are recorded as, and which are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from geneperson import UserError
from geneperson.model_sources import UNKNOWN, ModelSource, digest, parse_source

COMMIT, OTHER = "0123456789abcdef" * 2 + "01234567", "f" * 40


@pytest.mark.parametrize(
    ("text", "location", "file", "revision"),
    [
        ("owner/name", "owner/name", "", None),
        ("owner/na-me.1_0", "owner/na-me.1_0", "", None),
        ("owner/name@v1.0", "owner/name", "", "v1.0"),
        ("owner/name@refs/pr/3", "owner/name", "", "refs/pr/3"),
        (f"owner/name@{COMMIT}", "owner/name", "", COMMIT),
        ("owner/name/lora.safetensors", "owner/name", "lora.safetensors", None),
        ("owner/name/a/b.safetensors@v1", "owner/name", "a/b.safetensors", "v1"),
    ],
)
def test_hub_names(text: str, location: str, file: str, revision: str | None) -> None:
    source = parse_source("DIFFUSION.BASE", text, allow_pickle=False)
    assert source == ModelSource(location=location, file=file, revision=revision, is_local=False)


def test_what_exists_is_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "owner" / "name").mkdir(parents=True)
    file = tmp_path / "lora.safetensors"
    file.write_bytes(b"")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for text, location in (
        (str(tmp_path), str(tmp_path)),
        ("~/owner", str(tmp_path / "owner")),
        ("owner/name", "owner/name"),
    ):
        assert parse_source("K", text, allow_pickle=False) == ModelSource(
            location=location, is_local=True
        )
    for text in (str(file), "~/lora.safetensors"):
        found = parse_source("K", text, allow_pickle=False)
        assert found == ModelSource(location=str(tmp_path), file="lora.safetensors", is_local=True)
    assert parse_source("K", "lora.safetensors", allow_pickle=False).is_local


@pytest.mark.parametrize(
    "text",
    ["name", "/no/such/path", "./owner/name", "../x", "owner/name@", "a b/c", "owner/", "~/x"],
)
def test_neither_path_nor_hub_name(text: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"DIFFUSION.VAE is {text!r}: no such file")):
        parse_source("DIFFUSION.VAE", text, allow_pickle=False)


@pytest.mark.parametrize("file", ["lora.bin", "lora.pt", "lora.ckpt", "lora.pth"])
def test_pickles_are_read_only_where_that_is_allowed(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(b"")
    for text in (str(tmp_path / file), f"owner/name/{file}"):
        with pytest.raises(UserError, match=r"LORA\.STYLE.*only \.safetensors.*ALLOW_PICKLE"):
            parse_source("DIFFUSION.LORA.STYLE", text, allow_pickle=False)
        assert parse_source("DIFFUSION.LORA.STYLE", text, allow_pickle=True).file == file


def cache(folder: Path, file: str, references: dict[str, str]) -> None:
    """Lay out the hub's cache as huggingface_hub does."""
    repository = folder / "models--owner--name"
    for name, commit in references.items():
        snapshot = repository / "snapshots" / commit / file
        snapshot.parent.mkdir(parents=True, exist_ok=True)
        snapshot.write_text("{}")
        reference = repository / "refs" / name
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("model_index.json", "owner/name"),
        ("config.json", "owner/name"),
        ("any_name.safetensors", "owner/name"),  # a LoRA, whose file diffusers looks up
        ("my/lora.safetensors", "owner/name/my/lora.safetensors"),
    ],
)
def test_hub_model_is_recorded_by_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = parse_source("K", text, allow_pickle=False)
    assert not source.is_on_disk() and source.describe()["revision"] == "main"
    cache(tmp_path, file, {"main": COMMIT, "v1": OTHER})
    assert source.is_on_disk()
    assert source.describe() == {"name": text, "revision": COMMIT, "licence": UNKNOWN}
    for revision in ("v1", OTHER):
        assert (
            parse_source("K", f"{text}@{revision}", allow_pickle=False).describe()["revision"]
            == OTHER
        )
    missing = parse_source("K", f"{text}@v2", allow_pickle=False)
    assert not missing.is_on_disk() and missing.describe()["revision"] == "v2"


def test_another_file_of_the_repository_is_not_the_one_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cache(tmp_path, "first.safetensors", {"main": COMMIT})
    assert parse_source("K", "owner/name/first.safetensors", allow_pickle=False).is_on_disk()
    assert not parse_source("K", "owner/name/second.safetensors", allow_pickle=False).is_on_disk()


def test_licences_of_the_shipped_configurations_are_known() -> None:
    for name in ("stabilityai/stable-diffusion-xl-base-1.0", "madebyollin/sdxl-vae-fp16-fix"):
        assert parse_source("K", name, allow_pickle=False).describe()["licence"] != UNKNOWN


def test_local_model_is_recorded_by_its_content(tmp_path: Path) -> None:
    def folder(name: str, files: dict[str, str]) -> Path:
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / name

    weights = {"config.json": "{}", "unet/a.safetensors": "weights"}
    base = folder("a", weights)
    card = folder("b", weights | {"README.md": "---\nlicense: mit\ntags: x\n---\n"})
    assert digest(base) == digest(card), "neither its place nor its card count"
    assert digest(folder("c", weights | {"unet/a.safetensors": "others"})) != digest(base)
    renamed = {"config.json": "{}", "unet/b.safetensors": "weights"}
    assert digest(folder("d", renamed)) != digest(base)
    described = parse_source("K", str(card), allow_pickle=False).describe()
    assert described == {"name": "b", "revision": f"sha256:{digest(base)}", "licence": "mit"}
    assert parse_source("K", str(base), allow_pickle=False).describe()["licence"] == UNKNOWN
    file = parse_source("K", str(base / "unet" / "a.safetensors"), allow_pickle=False).describe()
    assert file["name"] == "a.safetensors" and file["revision"] != described["revision"]
