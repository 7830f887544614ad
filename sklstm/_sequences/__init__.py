"""Sequences: their classifier, and arrays of sequences that differ in length."""
