"""Where and how a person stands: skeletons, pose files, the canvas of cells and its edge map."""
