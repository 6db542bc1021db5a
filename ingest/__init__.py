"""HTTP in, Kafka out: a webhook is answered 200 once it is durable."""
