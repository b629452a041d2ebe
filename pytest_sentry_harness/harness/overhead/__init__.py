"""What Sentry costs: the same target with and without it, launch by launch. Read session.py first, then launch.py."""
