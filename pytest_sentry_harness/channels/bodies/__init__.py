"""What notifications look like for each kind of channel: pure functions of a delivery."""
