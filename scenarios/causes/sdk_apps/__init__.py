"""Small applications whose set-up of the Sentry SDK is right, and wrong when DEFECT names a defect."""
