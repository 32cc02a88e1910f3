"""The floor: the same rows, the same changes of state, on copies of the same tables and indexes, without triggers and foreign
keys, by few statements on one connection. No HTTP; objects of Python only where a file is read.

What PostgreSQL itself needs on this machine. No portal can be faster; the benchmark says how near it comes.
"""
