"""Jobs decided again: today's steps over what the log says they saw then, and what models had answered."""
