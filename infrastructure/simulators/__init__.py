"""A PayPal and a Dintero that speak HTTP, keep a book, and misbehave on order."""
