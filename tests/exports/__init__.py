"""What a set of books becomes as a file, and what others make of it."""
