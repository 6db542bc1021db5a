"""One id, and everything that came before and after it: out of rows, and out of the log where rows don't reach."""
