"""`headrace topics` and `headrace workspace` on a real broker, as an operator uses them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from cryptography.fernet import Fernet

from headrace.events.topics import ALL_TOPICS
from tests.headrace_command import Finished
from tests.headrace_command import headrace as headrace_command

FILE = """
workspace: {id}
name: Acme
timezone: UTC
auto_send_threshold: 0.95
providers:
  ghl: {{location_id: {location}, secret: [hush-new, hush-old]}}
  smartlead: {{allow_unsigned: true}}
  instantly: {{}}
"""
Run = Callable[..., Finished]


@pytest.fixture
def headrace(kafka_bootstrap: str, topic_prefix: str, topics_created: tuple[str, ...]) -> Run:
    """Runs a command with the test's topics; keywords change its environment."""
    assert topics_created
    usual = {
        "KAFKA_BOOTSTRAP": kafka_bootstrap,
        "HEADRACE_TOPIC_PREFIX": topic_prefix,
        "HEADRACE_PARTITIONS": "2",
        "HEADRACE_SECRETS_KEY": Fernet.generate_key().decode(),
    }

    def run(*arguments: str, **environment: str) -> Finished:
        return headrace_command(usual | environment, *arguments)

    return run


def test_topics_are_created_once_and_told_apart(headrace: Run) -> None:
    again = headrace("topics", "create", "--json")
    assert json.loads(again.stdout) == {"created": []}
    listed = json.loads(headrace("topics", "list", "--json").stdout)
    assert [one["topic"] for one in listed] == [topic.name for topic in ALL_TOPICS]
    assert {one["partitions"] for one in listed} == {2}
    assert not any(one["differences"] for one in listed)
    described = json.loads(headrace("topics", "describe", "--json").stdout)
    assert [one["name"] for one in described] == [one["name"] for one in listed]
    assert json.loads(headrace("topics", "describe", "--asyncapi").stdout)["asyncapi"] == "3.0.0"
    assert headrace("topics", "list").exit_code == headrace("topics", "describe").exit_code == 0

    refused = headrace("topics", "create", HEADRACE_PARTITIONS="4")
    assert refused.exit_code == 2
    assert "has 2 partitions, but HEADRACE_PARTITIONS asks for 4" in refused.stderr


def test_what_topics_lack_is_shown_and_set_on_request(headrace: Run, kafka_bootstrap: str, topic_prefix: str) -> None:
    """Made with a broker's own size, and with a retention that somebody chose."""
    changes = {"max.message.bytes": "1048588", "retention.ms": "86400000"}
    entries = [ConfigEntry(name, v, incremental_operation=AlterConfigOpType.SET) for name, v in changes.items()]
    resource = ConfigResource(ConfigResource.Type.TOPIC, f"{topic_prefix}messages", incremental_configs=entries)
    # Held until the broker has answered: a client that goes ends its requests.
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result()
    listed = headrace("topics", "list")
    assert f"`headrace topics mend` shows what to change of {topic_prefix}messages" in listed.stderr
    wanted = {f"{topic_prefix}messages": {"max.message.bytes": "8388608"}}
    assert json.loads(headrace("topics", "mend", "--json").stdout) == {"executed": False, "topics": wanted}
    shown = headrace("topics", "mend")
    assert "max.message.bytes is 1048588, to be 8388608" in shown.stdout
    assert "nothing was changed: --execute sets it" in shown.stdout
    assert "set to 8388608" in headrace("topics", "mend", "--execute").stdout
    (messages,) = [one for one in json.loads(headrace("topics", "list", "--json").stdout) if one["topic"] == "messages"]
    assert messages["differences"] == {"retention.ms": {"declared": "-1", "found": "86400000"}}
    assert messages["replicas"] == 1
    assert "every topic has what it needs" in headrace("topics", "mend").stdout
    refused = headrace("topics", "list", HEADRACE_MIN_INSYNC_REPLICAS="2")
    assert refused.exit_code == 2
    assert "nothing could ever be written" in refused.output


def test_topics_without_a_broker_say_where_it_was_looked_for() -> None:
    result = headrace_command({"KAFKA_BOOTSTRAP": "127.0.0.1:1"}, "topics", "list")
    assert result.exit_code == 2
    assert "Kafka at 127.0.0.1:1 can't be used" in result.stderr


def test_workspaces_from_file_to_removal(headrace: Run, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(FILE.format(id="acme", location="L1"))
    second.write_text(FILE.format(id="beta", location="L1"))

    applied = headrace("workspace", "apply", str(first))
    assert applied.exit_code == 0, applied.output
    assert "acme: smartlead: allow_unsigned is set" in applied.stderr
    assert "acme: instantly: no secret is set" in applied.stderr

    unnamed = tmp_path / "unnamed.yaml"
    unnamed.write_text(
        "workspace: gamma\nname: G\ntimezone: UTC\nproviders: {ghl: {secret: hush}, instantly: {secret: hush}}"
    )
    warned = headrace("workspace", "apply", str(unnamed)).stderr
    assert "gamma: ghl: no location_id is set" in warned
    assert "gamma: instantly" not in warned
    assert headrace("workspace", "remove", "gamma", "--keep-proofs", "0s", "--execute").exit_code == 0

    refused = headrace("workspace", "apply", str(second))
    assert refused.exit_code == 2
    assert "ghl location_id L1 (acme, beta)" in refused.stderr
    second.write_text(FILE.format(id="beta", location="L2"))
    assert headrace("workspace", "apply", str(second)).exit_code == 0

    shown = headrace("workspace", "show", "acme", "--json")
    (account,) = [one["providers"]["ghl"] for one in json.loads(shown.stdout)]
    assert account["location_id"] == "L1"
    assert len(account["secrets"]) == 2
    (settings,) = [one["settings"] for one in json.loads(shown.stdout)]
    assert settings["auto_send_threshold"] == {"value": 0.95, "is_default": False}
    assert settings["response_mode"] == {"value": "SETTER_MANAGED", "is_default": True}
    assert "auto_send_threshold" in headrace("workspace", "show", "acme").stdout
    listed = headrace("workspace", "list", "--json")
    assert [one["workspace"] for one in json.loads(listed.stdout)] == ["acme", "beta"]

    planned = headrace("workspace", "remove", "acme")
    assert (planned.exit_code, "Nothing was removed. Add --execute" in planned.stdout) == (0, True)
    for what in ("kept in quarantine until", "smartlead prove nothing", "settings  LOST"):
        assert what in planned.stdout
    assert [one["workspace"] for one in json.loads(headrace("workspace", "list", "--json").stdout)] == ["acme", "beta"]
    assert headrace("workspace", "remove", "acme", "--execute").exit_code == 0
    assert "removed: acme; its senders' webhooks are kept" in headrace("workspace", "list").stderr
    assert "LOST: nothing of them is stored" in headrace("workspace", "remove", "acme", "--keep-proofs", "0s").stdout
    assert headrace("workspace", "remove", "acme", "--keep-proofs", "0s", "--execute").exit_code == 0
    assert [one["workspace"] for one in json.loads(headrace("workspace", "list", "--json").stdout)] == ["beta"]
    for command in ("show", "remove"):
        missing = headrace("workspace", command, "acme")
        assert missing.exit_code == 2
        assert "there is no workspace acme" in missing.stderr
    for result in (applied, refused, shown, listed, headrace("workspace", "list")):
        assert "hush" not in result.output


def test_workspaces_need_a_key_and_a_good_file(headrace: Run, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text("workspace: acme")
    result = headrace("workspace", "apply", str(file))
    assert result.exit_code == 2
    assert f"{file}: name: Field required" in result.stderr
    file.write_text(FILE.format(id="acme", location="L1"))
    assert headrace("workspace", "apply", str(file)).exit_code == 0

    shown = headrace("workspace", "show", "acme", "--json", HEADRACE_SECRETS_KEY=Fernet.generate_key().decode())
    assert "not readable with this HEADRACE_SECRETS_KEY" in shown.stdout
    refused = headrace("workspace", "apply", str(file), HEADRACE_SECRETS_KEY="")
    assert refused.exit_code == 2
    assert "HEADRACE_SECRETS_KEY is not set: make one with" in refused.stderr


def test_a_record_nobody_can_read_is_named_and_hides_no_other(
    headrace: Run, tmp_path: Path, kafka_bootstrap: str, topic_prefix: str
) -> None:
    file = tmp_path / "acme.yaml"
    for id_ in ("acme", "beta"):
        file.write_text(FILE.format(id=id_, location=id_))
        assert headrace("workspace", "apply", str(file)).exit_code == 0
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    poison = {"acme": b"{", "worse": b"\xff"}
    for key, value in poison.items():
        producer.produce(f"{topic_prefix}workspaces", value, key, headers=[("ce_type", b"workspace.applied.v1")])
    assert producer.flush(15) == 0
    listed = headrace("workspace", "list", "--json")
    assert [one["workspace"] for one in json.loads(listed.stdout)] == ["acme", "beta"]
    assert (listed.exit_code, "Traceback" in listed.stderr) == (1, False)
    for id_ in poison:
        assert f"UNREADABLE: the newest record of workspace {id_}, {topic_prefix}workspaces[" in listed.stderr
    assert headrace("workspace", "remove", "worse", "--keep-proofs", "0s", "--execute").exit_code == 0
    file.write_text(FILE.format(id="acme", location="acme"))
    assert headrace("workspace", "apply", str(file)).exit_code == 0
    assert headrace("workspace", "list").exit_code == 0
