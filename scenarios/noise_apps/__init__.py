"""A shop whose failures are to become one issue each."""
