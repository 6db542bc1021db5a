-- Those of the receipts whose message the request agent set aside.
SELECT DISTINCT letter.receipt_id FROM {proj}.dead_letters AS letter
WHERE letter.stage = 'request' AND letter.receipt_id = ANY(%(receipts)s) AND {file.unsettled}
