"""One file per criterion: evidence to measurement; measurement and gate to verdict."""
