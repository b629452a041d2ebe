"""Small web applications, each with a sound Sentry set-up and the defects its scenario plants."""
