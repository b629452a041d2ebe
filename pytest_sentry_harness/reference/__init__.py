"""The reference service: a small, real trading backend with a well-made Sentry set-up."""
