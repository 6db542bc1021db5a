"""From raw webhooks to messages of a lead: dedupe, then resolve."""
