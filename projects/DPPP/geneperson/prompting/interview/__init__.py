"""Words from a chat model: the paper's questions, checked answers, a vocabulary file."""

from .ask import make_vocabulary

__all__ = ["make_vocabulary"]
