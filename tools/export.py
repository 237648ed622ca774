#!/usr/bin/env python
"""Export a trained model to one file: the command ``dppp-export``, from a checkout."""

from dppp_commands.export import entry

if __name__ == "__main__":
    entry()
