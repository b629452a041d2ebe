"""The agent inside the target: fault points, effects, and the watch on the SDK."""
