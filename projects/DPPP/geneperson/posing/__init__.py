"""How a person stands: skeletons, pose files, the canvas of cells and its condition images."""
