"""Alert rules in Sentry's own JSON: read, warned of, evaluated. Pure over what is seen and a clock that is given."""
