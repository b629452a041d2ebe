"""A shop whose failures somebody is to be told of, and one whose SDK takes its time."""
