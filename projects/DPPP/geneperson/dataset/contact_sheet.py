"""A picture of rejected cells, one row per reason, so that the limits can be judged by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

PER_REASON = 8
_LABEL_PX = 22  # height of the line of text above each row
_GAP_PX = 4


def contact_sheet(samples: Mapping[str, Sequence[bytes]]) -> bytes:
    """Lay out rejected cells.

    Args:
        samples: reason -> JPEGs of one size; the first ``PER_REASON`` of each are shown. At least
            one reason.

    Returns:
        The sheet as a JPEG.
    """
    rows = [_row(reason, cells[:PER_REASON]) for reason, cells in sorted(samples.items())]
    _, jpeg = cv2.imencode(".jpg", np.concatenate(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return jpeg.tobytes()


def _row(reason: str, cells: Sequence[bytes]) -> np.ndarray:
    pictures = [_decode(cell) for cell in cells]
    height, width = pictures[0].shape[:2]
    row = np.full((_LABEL_PX + height + _GAP_PX, PER_REASON * (width + _GAP_PX), 3), 255, np.uint8)
    place = (_GAP_PX, _LABEL_PX - 7)
    cv2.putText(row, reason, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for number, picture in enumerate(pictures):
        left = number * (width + _GAP_PX)
        row[_LABEL_PX : _LABEL_PX + height, left : left + width] = picture
    return row


def _decode(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("a rejected cell is not a JPEG")
    return picture
