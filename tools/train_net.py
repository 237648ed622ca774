#!/usr/bin/env python
"""Train or evaluate: the command ``dppp-train``, from a checkout."""

from dppp_commands.train import entry

if __name__ == "__main__":
    entry()
