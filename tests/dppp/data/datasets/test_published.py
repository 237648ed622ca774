"""What all published sets share: one place for the images, one line where it is not.

The images are empty files: only their names say whose they are.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from dppp import UserError

RANDPERSON = "000007_s00_c01_f000228.jpg"
FINEGPR = "0001_c01_w01_l01_p01.jpg"


@pytest.mark.parametrize(
    ("name", "first", "second", "image"),
    [
        ("RandPerson", "randperson_subset", "randperson_subset/randperson_subset", RANDPERSON),
        ("SyRI", "SyRI-cropped", "SyRI-cropped/bounding_box_train", "7_2_3.jpg"),
        ("FineGPR", "FineGPR_Dataset/FineGPR", "FineGPR_Dataset/FineGPR/0001", FINEGPR),
    ],
)
def test_the_same_images_in_two_places_are_never_read_twice(
    read: Callable[..., dict[str, str]],
    tmp_path: Path,
    name: str,
    first: str,
    second: str,
    image: str,
) -> None:
    assert list(read(name, f"{second}/{image}")) == [f"{second}/{image}"]
    with pytest.raises(
        UserError, match=f"data set {name}: .*{tmp_path}/{first} .*keep one"
    ) as caught:
        read(name, f"{first}/{image}")
    assert f"{tmp_path}/{second}" in str(caught.value) and "\n" not in str(caught.value)
    (tmp_path / second / image).unlink()
    assert list(read(name, f"{first}/{image}")) == [f"{first}/{image}"]
