"""`headrace ai …`: how well the classifiers do, and how texts are read."""

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from operations.cli.ai_dates import dates
from operations.cli.exit_status import refuse
from operations.cli.printing import console
from streams.ai.labels import PRIORITY

if TYPE_CHECKING:
    from streams.ai.evaluation import Labelled, Report
    from streams.ai.local.classifier import Choice

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("dates")(dates)


class Provider(StrEnum):
    """What can be measured."""

    #: The best that is installed.
    LOCAL = "local"
    LEXICAL = "lexical"
    HYBRID = "hybrid"
    RULES = "rules"
    #: The model of AI_BASE_URL and AI_MODEL, which may cost something.
    OPENAI = "openai"


_CHOICES: "dict[Provider, Choice]" = {
    Provider.LOCAL: "auto",
    Provider.LEXICAL: "lexical",
    Provider.HYBRID: "hybrid",
    Provider.RULES: "rules",
}


@app.callback()
def _verbs() -> None:
    """Measure the classifiers; see how a text is read."""


@app.command("eval")
def eval_(
    file: Annotated[Path, typer.Argument(help="Labelled replies, one JSON object a line.")],
    provider: Annotated[Provider, typer.Option(help="Which classifier to measure.")] = Provider.LOCAL,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    min_accuracy: Annotated[float, typer.Option(min=0, max=1, help="Fail below this share of right labels.")] = 0.0,
    min_opt_out_recall: Annotated[float, typer.Option(min=0, max=1, help="Fail when more opt-outs are missed.")] = 0.0,
) -> None:
    """Label every reply of a file and compare with what people said."""
    from streams.ai.evaluation import UnreadableLabels, as_json, load_labelled

    try:
        data = load_labelled(file)
    except UnreadableLabels as error:
        refuse(error)
    report = _evaluate_model(data) if provider is Provider.OPENAI else _evaluate_embedded(data, provider)
    if as_json_:
        typer.echo(json.dumps(as_json(report), indent=2, ensure_ascii=False))
    else:
        _print(report, console())
    if report.accuracy < min_accuracy:
        _fail(f"Accuracy {report.accuracy:.3f} is below the bar of {min_accuracy:.3f}.")
    if report.opt_out.recall < min_opt_out_recall:
        _fail(f"Opt-out recall {report.opt_out.recall:.3f} is below the bar of {min_opt_out_recall:.3f}.")


def _evaluate_embedded(data: "Sequence[Labelled]", provider: Provider) -> "Report":
    from streams.ai.evaluation import evaluate
    from streams.ai.local.classifier import LocalClassifier

    try:
        classifier = LocalClassifier(_CHOICES[provider])
    except ModuleNotFoundError:
        refuse(
            "The hybrid needs an encoder that is not installed. "
            "Run `pip install 'headrace[embed]'`, or measure `lexical`."
        )
    return evaluate(classifier.classify, data, provider=provider.value, model=classifier.model)


def _evaluate_model(data: "Sequence[Labelled]") -> "Report":
    import asyncio

    from headrace.settings import Settings
    from streams.ai.asked_labels import evaluate_asked
    from streams.ai.chosen import AISettingsError, ai_desk, timeouts
    from streams.ai.provider import AIError

    settings = Settings(ai_provider="openai")
    try:
        desk = ai_desk(settings)
        return asyncio.run(evaluate_asked(desk, data, timeout_s=timeouts(settings)["sentiment.classify"]))
    except AISettingsError as error:
        refuse(error)
    except AIError as failure:
        refuse(f"A reply could not be labelled, so nothing was measured. {failure}")


def _print(report: "Report", console: Console) -> None:
    console.print(
        f"{report.messages} replies, {report.model}: accuracy {report.accuracy:.3f}, macro F1 {report.macro_f1:.3f}, "
        f"{report.ms_per_message} ms a message (p95 {report.p95_ms}), {_cost(report.cost_micro_usd)}"
    )
    flags = Table("flag", "precision", "recall", "support", title="Flags")
    for name, scores in (
        ("opt-out", report.opt_out),
        ("bounce", report.bounce),
        ("proposed time", report.proposed_time),
    ):
        flags.add_row(name, f"{scores.precision:.3f}", f"{scores.recall:.3f}", str(scores.support))
    console.print(flags)
    console.print(_confusion(report))
    worst = Table("reply", "expected", "found", "confidence", "rule", title="Worst errors: the surest first")
    for mistake in report.worst:
        worst.add_row(mistake.id, mistake.expected, mistake.found, f"{mistake.confidence:.2f}", mistake.rule or "")
    console.print(worst)


def _confusion(report: "Report") -> Table:
    """Rows are what people said, columns what was found."""
    table = Table("expected", *(_short(label) for label in PRIORITY), "recall", title="Confusion")
    for expected, counts in report.confusion.items():
        cells = [str(counts.get(label, "")) for label in PRIORITY]
        table.add_row(expected, *cells, f"{report.per_label[expected].recall:.2f}")
    return table


def _cost(micro_usd: int | None) -> str:
    return "cost unknown" if micro_usd is None else f"{micro_usd / 1_000_000:.4f} $"


def _short(label: str) -> str:
    return "".join(word[0] for word in label.split()) if " " in label else label[:4]


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
