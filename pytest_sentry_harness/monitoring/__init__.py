"""The live monitor: a process that follows a store, puts events to issues, asks the rules, and has people notified."""
