"""Run Locust as a process of its own and read what it left behind."""
