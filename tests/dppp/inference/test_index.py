"""Exact and approximate search: what is found, and an index in a file beside its gallery."""

from pathlib import Path

import faiss
import numpy as np
import pytest

import dppp
from benchmarks.search import make_features
from dppp.inference import Features, load_features, open_index, search
from dppp.inference import index as index_module
from dppp.inference import nearest as nearest_module
from dppp.inference.index import INDEXES, ApproximateIndex, build_index, recall
from dppp.inference.nearest import nearest

APPROXIMATE = INDEXES[1:]


@pytest.fixture(scope="module")
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """2,000 features of 100 people, and 50 queries."""
    return make_features(gallery=2_000, queries=50, dim=64)


def save(features: np.ndarray, file: Path) -> Features:
    """Write a gallery and read it again, as the command does."""
    paths = [f"{number:06d}.jpg" for number in range(len(features))]
    made = Features(features=features, paths=paths, root=str(file.parent), model="a model")
    made.save(file)
    return load_features(file)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("block", [64 * 7, 1 << 22])  # of 7 features: the last is of 5
def test_exact_search_equals_a_sort(
    vectors: tuple[np.ndarray, ...], dtype: type, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_module, "_BLOCK", block)
    gallery, queries = (features.astype(dtype) for features in vectors)
    cosines, places = nearest(queries, gallery, 9)
    wide = [features.astype(np.float64) for features in (queries, gallery)]
    queries, gallery = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in wide)
    expected = np.argsort(-queries @ gallery.T, axis=1)[:, :9]
    np.testing.assert_array_equal(places, expected)
    best = np.take_along_axis(queries @ gallery.T, expected, 1)
    np.testing.assert_allclose(cosines, best, atol=1e-6)


@pytest.mark.parametrize("kind", APPROXIMATE)
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_an_index_finds_nearly_all(
    vectors: tuple[np.ndarray, ...], kind: str, dtype: type, tmp_path: Path
) -> None:
    gallery, queries = save(vectors[0].astype(dtype), tmp_path / "g.npz"), vectors[1]
    index = open_index(gallery, kind)
    exact, places = nearest(queries, gallery.features, 10)
    found, same = index.nearest(queries, 10)
    overlap = [len(set(a) & set(b)) for a, b in zip(places, same, strict=True)]
    assert np.mean(overlap) >= 9 and (np.diff(found, axis=1) <= 0).all()
    assert recall(list(exact), list(found)) == pytest.approx(np.mean(overlap) / 10, abs=1e-6)
    assert isinstance(index, ApproximateIndex) and index.facts.recall >= 0.9
    alike = places == same
    np.testing.assert_allclose(found[alike], exact[alike], atol=1e-6)  # not float16's cosines


def test_recall() -> None:
    exact = [np.array([0.9, 0.8]), np.array([0.7, 0.6])]
    assert recall(exact, exact) == 1.0
    assert recall(exact, [np.array([0.9, -np.inf]), np.array([0.7, 0.5])]) == 0.5
    assert recall([np.array([])], [np.array([])]) == 1.0  # the only image of its gallery


def test_an_image_that_finds_itself_has_found_nothing(
    vectors: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_itself(_: object, queries: np.ndarray, gallery: np.ndarray, __: int) -> tuple:
        return np.ones((len(queries), 1)), (queries @ gallery.T).argmax(axis=1)[:, None]

    monkeypatch.setattr(index_module, "_find", find_itself)
    assert build_index("ivf", vectors[0])[1].recall == 0.0


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_one_gallery_gives_one_index(vectors: tuple[np.ndarray, ...], kind: str) -> None:
    one, two = (faiss.serialize_index(build_index(kind, vectors[0])[0]) for _ in range(2))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("kind", INDEXES)
@pytest.mark.parametrize("number", [1, 2, 5])
def test_tiny_galleries(vectors: tuple[np.ndarray, ...], kind: str, number: int) -> None:
    paths = [f"{place}.jpg" for place in range(number)]
    gallery = Features(features=vectors[0][:number], paths=paths, root="/g", model="a model")
    stranger = Features(features=vectors[1][:1], paths=["q.jpg"], root="/q", model="a model")
    for queries, others in ((gallery, number - 1), (stranger, number)):
        for ranking in search(queries, gallery, 3, kind):
            files = {hit.file for hit in ranking.hits}
            assert len(files) == len(ranking.hits) == min(others, 3)
            assert ranking.query not in files


@pytest.mark.parametrize("kind", INDEXES)
def test_the_querys_own_file_is_left_out_however_often_it_is_there(
    vectors: tuple[np.ndarray, ...], kind: str, tmp_path: Path
) -> None:
    """Under its name, by a link, and listed five times."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "link.jpg").symlink_to(tmp_path / "a.jpg")
    paths = [*["a.jpg"] * 5, "link.jpg", "b.jpg", "c.jpg"]
    features = vectors[0][[0] * 6 + [1, 2]]
    gallery = Features(features=features, paths=paths, root=str(tmp_path), model="a model")
    query = Features(features=features[:1], paths=["a.jpg"], root=str(tmp_path), model="a model")
    (ranking,) = search(query, gallery, 2, kind)
    assert {hit.file.name for hit in ranking.hits} == {"b.jpg", "c.jpg"}


class FindsLittle:
    """An index that finds two images, whatever is asked for."""

    def __init__(self, gallery: np.ndarray) -> None:
        self.gallery = gallery

    def nearest(self, queries: np.ndarray, num_hits: int) -> tuple[np.ndarray, np.ndarray]:
        places = np.full((len(queries), num_hits), -1)
        places[:, :2] = 0, 1
        return np.where(places < 0, -np.inf, 0.5), places


def test_places_that_were_not_found_are_no_hits(vectors: tuple[np.ndarray, ...]) -> None:
    paths = [f"{place}.jpg" for place in range(2_000)]
    gallery = Features(features=vectors[0], paths=paths, root="/g", model="a model")
    queries = Features(features=vectors[0][:1], paths=["0.jpg"], root="/g", model="a model")
    (ranking,) = search(queries, gallery, 5, FindsLittle(vectors[0]))
    assert [hit.file.name for hit in ranking.hits] == ["1.jpg"]


@pytest.mark.parametrize("kind", APPROXIMATE)
def test_an_index_is_kept_until_it_does_not_fit(
    vectors: tuple[np.ndarray, ...], kind: str, tmp_path: Path
) -> None:
    gallery, file = save(vectors[0], tmp_path / "g.npz"), tmp_path / f"g.{kind}.faiss"
    first = open_index(gallery, kind)
    assert str(first).startswith(f"{file}: built in ") and "recall@10 " in str(first)
    written = file.read_bytes()
    second = open_index(gallery, kind)
    assert str(second).startswith(f"{file}: built earlier in ")
    for one, two in zip(first.nearest(vectors[1], 10), second.nearest(vectors[1], 10), strict=True):
        np.testing.assert_array_equal(one, two)
    assert file.read_bytes() == written

    other = save(vectors[0][::-1].copy(), tmp_path / "g.npz")
    stale = open_index(other, kind)
    assert f"{file}: built again, as the file was of other features, in " in str(stale)
    assert stale.nearest(other.features[:20], 1)[1].T.tolist() == [list(range(20))]
    with pytest.raises(dppp.UserError, match="of another gallery"):
        search(other, gallery, 3, stale)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: content[:9_000] + b"\xff" * 64 + content[9_064:],
        lambda content: content[:100] + content[-400:],
        lambda content: content[:-40] + b"no JSON." + content[-32:],
    ],
    ids=["empty", "start", "half", "end", "middle", "cut", "tail"],
)
def test_a_damaged_index_is_built_again(
    vectors: tuple[np.ndarray, ...], damage: object, tmp_path: Path
) -> None:
    gallery, file = save(vectors[0], tmp_path / "g.npz"), tmp_path / "g.ivf.faiss"
    open_index(gallery, "ivf")
    file.write_bytes(damage(file.read_bytes()))
    assert "built again, as the file was damaged, in " in str(open_index(gallery, "ivf"))
    assert ": built earlier in " in str(open_index(gallery, "ivf"))


def test_an_index_that_cannot_be_kept_is_used(
    vectors: tuple[np.ndarray, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(*_: object) -> None:
        raise RuntimeError("Error in FileIOWriter: ...")

    monkeypatch.setattr(faiss, "write_index", fill_the_disk)
    gallery = save(vectors[0], tmp_path / "g.npz")
    index = open_index(gallery, "ivf")
    assert ": built and not kept (FAISS cannot write it), in " in str(index)
    assert [path.name for path in tmp_path.iterdir()] == ["g.npz"]
    assert index.nearest(vectors[1], 10)[1].min() >= 0


def test_unknown_index(vectors: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    gallery = save(vectors[0][:2], tmp_path / "g.npz")
    with pytest.raises(dppp.UserError, match="index is 'lsh'; allowed: exact, hnsw, ivf"):
        search(gallery, gallery, 3, "lsh")
