"""FastReID's data set of images, with our reader and a seed for each image of training."""

from collections.abc import Callable, Sequence

from fastreid.data.common import CommDataset
from PIL import Image

from .images import read_image
from .sampling import generators_kept, seed_cpu


class ReadableImages(CommDataset):
    """FastReID's data set of images, with our reader.

    Attributes:
        read: path -> RGB image; from the file, unless a cache takes its place.
    """

    def __init__(self, img_items: Sequence[tuple], transform: Callable, *, relabel: bool) -> None:
        super().__init__(img_items, transform, relabel)
        self.read: Callable[[str], Image.Image] = read_image

    def item(self, index: int) -> dict:
        """Return an image as FastReID's item.

        Raises:
            UserError: the file cannot be read, or has another kind of pixels.
        """
        path, pid, camera = self.img_items[index][:3]
        return {
            "images": self.transform(self.read(path)),
            "targets": self.pid_dict[pid] if self.relabel else pid,
            "camids": self.cam_dict[camera] if self.relabel else camera,
            "img_paths": path,
        }


class EvaluationImages(ReadableImages):
    """Images without random transforms."""

    def __getitem__(self, index: int) -> dict:
        return self.item(index)


class TrainingImages(ReadableImages):
    """Images for training: an item's index comes with the seed of its random transforms."""

    def __getitem__(self, item: tuple[int, int]) -> dict:
        return self.__getitems__([item])[0]

    def __getitems__(self, items: Sequence[tuple[int, int]]) -> list[dict]:
        """Return the items of a batch; torch's loader asks for them together."""
        with generators_kept():
            return [self._seeded(*item) for item in items]

    def _seeded(self, index: int, seed: int) -> dict:
        seed_cpu(seed)  # FastReID's transforms draw from Python's, NumPy's and torch's generators
        return self.item(index)
