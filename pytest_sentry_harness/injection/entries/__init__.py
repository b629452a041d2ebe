"""Where requests enter the target: the fault header is read, taken out, and put into the context."""
