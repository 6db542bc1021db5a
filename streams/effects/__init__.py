"""What Headrace does outside itself, once or not at all: claimed, called, and found out about."""
