"""Using a trained model: features, search, pictures, attention, export."""

from .embedder import Embedder
from .export import export
from .extraction import extract
from .features import Features, load_features
from .index_files import open_index
from .loading import from_config, load
from .search import search, search_texts

__all__ = [
    "Embedder",
    "Features",
    "export",
    "extract",
    "from_config",
    "load",
    "load_features",
    "open_index",
    "search",
    "search_texts",
]
