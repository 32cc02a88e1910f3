"""Invented people, lists and scenes: the same in every run, so that a demonstration can be repeated."""
