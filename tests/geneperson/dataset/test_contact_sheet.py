"""The sheet of rejected cells shows the first few of each reason, a row each."""

import cv2
import numpy as np

from geneperson.dataset.contact_sheet import PER_ROW, contact_sheet


def cell(grey: int) -> bytes:
    return cv2.imencode(".jpg", np.full((40, 20, 3), grey, np.uint8))[1].tobytes()


def decode(sheet: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_a_row_for_each_reason_in_order() -> None:
    one, two = decode(contact_sheet({"cut off": [cell(60)]})), {"no person": [cell(0)] * 2}
    both = decode(contact_sheet({**two, "cut off": [cell(60)]}))
    assert both.shape == (2 * one.shape[0], one.shape[1])
    row = one.shape[0]
    middle = row - 4 - 20  # of the cells in a row, above its gap
    assert abs(int(both[middle, 10]) - 60) < 5 and both[middle, 34] > 250
    assert both[row + middle, 10] < 5 and both[row + middle, 34] < 5
    assert both[row + middle, 58] > 250
    assert both[:22].min() < 100, "the reason is written above its row"


def test_no_more_than_fit() -> None:
    many = decode(contact_sheet({"cut off": [cell(60)] * (PER_ROW + 5)}))
    assert many.shape == decode(contact_sheet({"cut off": [cell(60)]})).shape
    assert (many[50] < 100).sum() == PER_ROW * 20
