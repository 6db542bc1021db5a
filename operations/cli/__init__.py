"""`headrace …`: thin; every verb calls one function elsewhere."""
