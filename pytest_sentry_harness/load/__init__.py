"""What sends requests: Locust in a process of its own, or a script of requests; marked by the plan, on record."""
