"""The contracts: topics, envelope, ids, typed events and their codec. Imports nothing else of Headrace."""
