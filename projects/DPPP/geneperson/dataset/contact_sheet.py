"""A picture with a labeled row of examples of each kind, to judge them by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

PER_ROW = 8
_LABEL_PX = 22  # height of the line of text above each row
_GAP_PX = 4


def contact_sheet(samples: Mapping[str, Sequence[bytes]], columns: int = PER_ROW) -> bytes:
    """Lay out pictures.

    Args:
        samples: label of a row -> JPEGs of one size; the first ``columns`` of each are shown. At
            least one row.
        columns: pictures of a row.

    Returns:
        The sheet as a JPEG.
    """
    rows = [_row(label, cells[:columns], columns) for label, cells in sorted(samples.items())]
    _, jpeg = cv2.imencode(".jpg", np.concatenate(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return jpeg.tobytes()


def _row(label: str, cells: Sequence[bytes], columns: int) -> np.ndarray:
    pictures = [_decode(cell) for cell in cells]
    height, width = pictures[0].shape[:2]
    row = np.full((_LABEL_PX + height + _GAP_PX, columns * (width + _GAP_PX), 3), 255, np.uint8)
    place = (_GAP_PX, _LABEL_PX - 7)
    cv2.putText(row, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for number, picture in enumerate(pictures):
        left = number * (width + _GAP_PX)
        row[_LABEL_PX : _LABEL_PX + height, left : left + width] = picture
    return row


def _decode(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("a picture of the sheet is not a JPEG")
    return picture
