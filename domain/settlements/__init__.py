"""What providers paid out, as they report it, and how it is held against our books."""
