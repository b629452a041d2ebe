"""Services with a known cost, for the calibration of overhead."""
