#!/usr/bin/env python
"""Find people in a gallery: the command ``dppp-search``, from a checkout."""

from dppp_commands.search import entry

if __name__ == "__main__":
    entry()
