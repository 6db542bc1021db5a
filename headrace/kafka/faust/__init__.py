"""The frame under every Faust worker: batches, offset checks, tables, acknowledged sends, a watchdog."""
