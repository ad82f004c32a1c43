"""Compiled loops: typed, in place, without the interpreter lock; they import nothing above."""
