"""Programs that the objectives scenario runs."""
