"""Reading and checking a ward's list, before anything is written."""
