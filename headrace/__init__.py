"""What every process needs before it can work: settings, Kafka clients, logs."""
