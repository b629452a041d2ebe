"""Ledger and arrivals to one outcome per fault, and an account that closes."""
