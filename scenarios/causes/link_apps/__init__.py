"""Small programs whose way to Sentry is right, and wrong when DEFECT names a defect."""
