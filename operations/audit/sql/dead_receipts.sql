-- Those of the receipts that a dead letter of the workers accounts for.
SELECT DISTINCT letter.receipt_id FROM {proj}.dead_letters AS letter
WHERE letter.receipt_id = ANY(%(receipts)s) AND {file.unsettled}
