"""The books: postings, the journal, and what finance asks of them."""
