"""What people look at: pure folds of the facts."""
