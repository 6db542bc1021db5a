"""What jobs do, one step a file: a step reads its context, concludes, and says so in exactly one enrichment event."""
