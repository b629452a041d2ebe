"""Tests of what turns samples into estimates."""
