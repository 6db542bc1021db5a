"""Lists of jobs for people."""
