#!/usr/bin/env python
"""Find people in a gallery: the command ``dppp-search``, from a checkout."""

from dppp_entry import search

if __name__ == "__main__":
    search()
