"""Words from a chat model: the paper's questions, checked answers, a vocabulary file."""

from .ask import TIMEOUT_SEC, Interview, make_vocabulary

__all__ = ["TIMEOUT_SEC", "Interview", "make_vocabulary"]
