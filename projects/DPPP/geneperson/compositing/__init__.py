"""From a drawn cell to a finished image: matting, the quality filter, fusion with a background."""
