"""A prompt's text never changes under its version: what was asked a year ago can be looked up."""

import pytest

from streams.ai.prompts import UnknownPrompt, all_prompts, load_prompt
from streams.ai.tasks import PROMPT_KEYS

#: Add lines, don't change them: a changed text is a new file with the next version.
PINNED = {
    ("booking", 1): "ba9e9af0a7ea889c5c72f0645a38914520651f3fbf48ef62a99bd9a00ac9bfab",
    ("classify", 1): "9c492676053278a5d30aeaa862f6185e87d441018ab34d74fe58222794d32005",
    ("decide_reply", 1): "53ec8853fc7597ee549d8982df2671c18e012980901e690c086884b4ff938d02",
    ("draft", 1): "077e18d0d299b0bdd17e8bf8df1dc9f8b65fa3201de9f4ba568a863a6d3d35c8",
    ("follow_up_timing", 1): "4905cdf30c9b296530886553760f68a78e60002e6b20e5b34fcfb86c1ff2af63",
    ("score", 1): "d888d2f979155255c89099e33f9ce7b307ad336f0876914e5af4d75df5403d16",
}


def test_every_prompt_is_pinned() -> None:
    found = {(prompt.key, prompt.version): prompt.sha256 for prompt in all_prompts()}
    assert found == PINNED, "a prompt changed: keep the old file and add the text as the next version"


def test_every_task_has_its_prompt() -> None:
    assert {prompt.key for prompt in all_prompts()} == set(PROMPT_KEYS.values())


def test_shared_part_comes_after_the_task() -> None:
    prompt = load_prompt("classify")
    assert prompt.text.index("You label one reply") < prompt.text.index("How to treat your input")


def test_canaries_differ_and_stand_in_no_prompt() -> None:
    prompts = all_prompts()
    assert len({prompt.canary for prompt in prompts}) == len(prompts)
    assert not any(prompt.canary in prompt.text for prompt in prompts)


def test_unknown_prompts_are_named() -> None:
    with pytest.raises(UnknownPrompt, match=r"classify\.v99\.md"):
        load_prompt("classify", 99)
    with pytest.raises(UnknownPrompt):
        load_prompt("nothing")
