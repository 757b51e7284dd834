"""A Dintero that speaks HTTP, keeps a book of its own, and misbehaves on order."""
