"""What to draw: attribute words, where they come from, and prompts in which no outfit repeats."""
