"""What the sandbox says when nobody scripted anything: the offline provider's answer, out of the request alone."""

import hashlib
import re
from typing import Any

import msgspec

from streams.ai.local_provider import LocalProvider
from streams.ai.prompts import load_prompt
from streams.ai.provider import AITask, Caller
from streams.ai.questions import QUESTIONS, Question
from streams.ai.tasks import ANSWERS, FEATURE_OF

_FACTS = re.compile(r"^FACTS: (\{.*\})$", re.MULTILINE)
_BUDGET_S = 60.0


class UnreadableRequest(ValueError):
    """The request was not made by Headrace's client, so there is nothing to answer from."""


class SandboxAnswers:
    """Reads Headrace's own requests."""

    def __init__(self, local: LocalProvider | None = None) -> None:
        self._local = local or LocalProvider()

    def schema_of(self, body: dict[str, Any]) -> str:
        """Which question the request asks: by its schema's name, else by its prompt's opening words."""
        named = body.get("response_format", {}).get("json_schema", {}).get("name", "")
        system = str(body["messages"][0]["content"]) if body.get("messages") else ""
        return named or next((name for name in QUESTIONS if system.startswith(load_prompt(name).text[:40])), "")

    async def answer(self, body: dict[str, Any]) -> str:
        """The answer's JSON. Raises UnreadableRequest."""
        name = self.schema_of(body)
        question = _question(name, body)
        digest = hashlib.sha256(msgspec.json.encode(question)).hexdigest()
        task: AITask[Any] = AITask(
            feature=FEATURE_OF[type(question)],
            prompt=load_prompt(name),
            question=question,
            answer=ANSWERS[type(question)],
            caller=_nobody(digest),
        )
        result = await self._local.run(task, _BUDGET_S)
        answer: str = result.value.model_dump_json()
        return answer


def _question(name: str, body: dict[str, Any]) -> Question:
    try:
        facts = _FACTS.search(body["messages"][0]["content"])
        document = msgspec.json.decode(body["messages"][1]["content"])
        return msgspec.convert({**document, "facts": msgspec.json.decode(facts[1] if facts else "")}, QUESTIONS[name])
    except (KeyError, IndexError, TypeError, msgspec.MsgspecError) as error:
        raise UnreadableRequest(f"not a question of Headrace ({type(error).__name__}): script an answer") from None


def _nobody(digest: str) -> Caller:
    return Caller(receipt_id="", workspace="", lead_id="", message_id=digest, job_id="", job_type="SANDBOX", step="")
