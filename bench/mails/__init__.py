"""Mails as the programs of the world write them, with the words that their authors wrote."""
