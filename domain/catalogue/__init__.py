"""Plans with dated versions: what may be started on, and who is moved to what, when."""
