"""Takes a test's topics off the broker that all tests share."""

from confluent_kafka.admin import AdminClient


def delete_topics(bootstrap: str, prefix: str) -> None:
    """All topics with the prefix in their names: Faust makes changelogs and leader topics beside those declared."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    leftovers = [name for name in admin.list_topics(timeout=15).topics if prefix in name]
    for future in admin.delete_topics(leftovers, operation_timeout=15).values():
        future.result()
