"""Dead letters as an operator has them: one list, whoever set the record aside, and what can be done about each."""
