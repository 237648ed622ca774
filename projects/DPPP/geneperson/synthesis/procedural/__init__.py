"""The embedded default: people and scenes drawn by formula, without weights and without a GPU."""
