"""Runs Apache Kafka as one local node, from Maven artefacts, because that needs nothing but Java and Maven."""

import hashlib
import re
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from operations.dev.cannot_start import CannotStart, impossible
from operations.dev.home import DOWNLOADS
from operations.dev.program import Program

OLDEST_JAVA = 17
_HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
_RESOURCES = Path(__file__).parent / "broker"


def kafka(
    directory: Path,
    port: int,
    controller_port: int,
    environment: Mapping[str, str],
    cluster_id: uuid.UUID | None = None,
) -> Program:
    """A broker at 127.0.0.1:`port` with its data in `directory`, made ready to be started.

    Fetches the jars and formats the data directory, for a cluster of that id or a new one, when that was not done yet.
    Raises CannotStart.
    """
    java = find_java(environment)
    jars = fetch_jars(environment)
    directory.mkdir(parents=True, exist_ok=True)
    configuration = directory / "server.properties"
    configuration.write_text(_properties(directory / "data", port, controller_port))
    if not (directory / "data" / "meta.properties").exists():
        _format(_java_command(java, jars), configuration, cluster_id or uuid.uuid4())
    return Program(
        name="kafka",
        argv=(*_java_command(java, jars), "kafka.Kafka", str(configuration)),
        environment=environment,
        working_directory=directory,
    )


def kafka_answers(bootstrap: str) -> bool:
    """Whether a broker answers at `bootstrap` within a second."""
    # librdkafka reports each refused connection on stderr, and there are many while the broker starts.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200})
    try:
        admin.list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def find_java(environment: Mapping[str, str]) -> str:
    """The `java` to use: JAVA_HOME's, else the first on PATH. Raises CannotStart when it is missing or too old."""
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environment.get("PATH"))
    if java is None or not Path(java).exists():
        raise impossible(f"Java is missing: install a JDK or JRE, version {OLDEST_JAVA} or newer, or set JAVA_HOME")
    answer = subprocess.run([java, "-version"], env=environment, capture_output=True, text=True, check=False)
    version = java_version(answer.stderr + answer.stdout)
    if version is None:
        raise impossible(f"{java} does not say its version: install Java {OLDEST_JAVA} or newer")
    if version < OLDEST_JAVA:
        raise impossible(f"Java {version} is too old for Kafka: install Java {OLDEST_JAVA} or newer, or set JAVA_HOME")
    return java


def java_version(text: str) -> int | None:
    """The major version in what `java -version` prints; the old scheme's 1.8 is 8."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None


def fetch_jars(environment: Mapping[str, str], downloads: Path = DOWNLOADS) -> Path:
    """The directory with the broker's jars, fetched with Maven the first time. Raises CannotStart."""
    pom = _RESOURCES / "pom.xml"
    directory = downloads / f"kafka-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not directory.exists():
        _download(pom, directory, environment)
    return directory


def _download(pom: Path, directory: Path, environment: Mapping[str, str]) -> None:
    maven = shutil.which("mvn", path=environment.get("PATH"))
    if maven is None:
        raise impossible("Maven is missing, which fetches Kafka: install it so that `mvn` is on PATH")
    # Renamed into place when complete, so that an interrupted download is never taken for a broker.
    partial = directory.with_name(f"{directory.name}.{uuid.uuid4().hex}")
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    answer = subprocess.run(
        [*command, f"-DoutputDirectory={partial}"], env=environment, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        reason = next((line for line in answer.stdout.splitlines() if line.startswith("[ERROR]")), "no reason given")
        raise impossible(f"Maven could not fetch Kafka ({reason.removeprefix('[ERROR] ')[:300]}): check the network")
    try:
        partial.rename(directory)
    except OSError:
        # Another stack was quicker; its copy is the same.
        shutil.rmtree(partial)


def _java_command(java: str, jars: Path) -> tuple[str, ...]:
    return (java, *_HEAP, f"-Dlog4j2.configurationFile={_RESOURCES / 'log4j2.properties'}", "-cp", f"{jars}/*")


def _properties(data: Path, port: int, controller_port: int) -> str:
    lines = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        # The largest message is left at the broker's default: our topics say what they take.
        # Internal topics: one node, and few files.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Nobody else will join: don't make the first member of a group wait for company.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # A deleted topic's files go at once; a test session makes and deletes many.
        "log.segment.delete.delay.ms": 1000,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _format(java_command: tuple[str, ...], configuration: Path, cluster_id: uuid.UUID) -> None:
    cluster = urlsafe_b64encode(cluster_id.bytes).decode().rstrip("=")
    # In one word: an id may begin with a hyphen, and would pass for an option.
    arguments = ("format", f"--cluster-id={cluster}", f"--config={configuration}")
    command = [*java_command, "kafka.tools.StorageTool", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise CannotStart(f"Kafka could not make its data directory: {(answer.stderr + answer.stdout).strip()[-300:]}")
