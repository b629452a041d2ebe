"""Frozen data types shared by every stage: no behaviour, no I/O, standard library only."""
