#!/usr/bin/env python
"""Train or evaluate: the command ``dppp-train``, from a checkout."""

from dppp_entry import train

if __name__ == "__main__":
    train()
