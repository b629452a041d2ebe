"""Workers and jobs of many kinds, each healthy by default and broken on request (``DEFECT``)."""
