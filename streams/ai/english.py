"""Whether a reply is surely English: what is drafted in English may go out without a person only if it is.

The other way round than `streams.ai.language`, which stays silent in doubt: here doubt is a no. A text is surely
English when enough of its words are words of English and of no neighbouring language, such as `thursday`, not `in`.
"""

import re
from collections.abc import Iterable

from streams.ai.language import language_of


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Common in replies, and hardly words of German, French, Spanish, Portuguese, Italian, Dutch, a Scandinavian or Slavic
#: language.
_ENGLISH = _listed(
    "about above absolutely accept accepted accounts actually after afternoon again ago agree agreed almost already "
    "always and another answer any anyone anything anyway appointment appreciate are aren't around asap ask asked "
    "asking assistant attach attached attention available away awesome back based because been before begin being "
    "believe below better between book booked booking boss both bring brochure build burned business busy buy "
    "buying call called calling calls came can't cannot change charge check checked checking close come coming "
    "commitment company compare compliant confirm confirmed confirming coordinate cost costs could couldn't curious "
    "currently customer customers day days deal december decide decided deck definitely delete did didn't different "
    "discuss does doesn't doing don't done down drop early either else end english enough even evening ever every "
    "everything exactly example february feel few first five follow found four free friday friend from further gave "
    "get gets getting give given glad goes going gone good got great guess had handle happen happens happy has "
    "hasn't haven't hear heard hello help here hey hiring hold hours how however i'd i'll i'm i've if important "
    "include included industry interested interesting invite isn't issue it's january join july june just keep know "
    "knows last late later learn leave left less let's license like little look looking looks lot love luck made "
    "make makes many maybe mean meantime meet might monday month months more morning most move moved much must my "
    "myself need needs never new next nice night nine noon not note nothing now number october off often okay old "
    "once one only other our ours out own pay people perfect perhaps phone pick please prefer previous price prices "
    "pricing probably provide pull push put question questions quick quickly quite quote rather reach reached read "
    "ready really reason receive received remember remind reply reports return review right ring running safe said "
    "sale same saturday saw say says schedule scheduled second seems seen send sending sent seven several share she "
    "should show since six small someone something sometime soon sorry sound sounds speak spoke start started "
    "starts still stop summer sunday support sure take taken takes taking talk talking tell ten text texting than "
    "thank thanks that that's the their them then there these they thing things think this those though thought "
    "three through thurs thursday till time times today together told tomorrow tonight too touch tried try trying "
    "tues tuesday twice two typically understand unfortunately until up upcoming update us use used using usually "
    "very wait waiting walk want wanted wants wasn't way we'd we'll we're we've wednesday week weeks welcome well "
    "went were what what's when where which while who whole why will window winter wish with within without won't "
    "wondering word work worked working works world worth would wouldn't write writing wrong yeah year years yep "
    "yes yesterday yet you you'd you'll you're you've your yours yourself youtube"
)
#: What says nothing: words that other languages have, too, and names of things that are the same everywhere.
_ANYWHERE = _listed(
    "a account agenda agent all also am an api as at audit august auto be benchmark best bill booth budget but by "
    "can case cell cet chat client clients cold contact contract controller crm data date demo department diary "
    "direct director do document each email fax feedback finance fine fit for form format full general gmt go group "
    "have he hi his hour i idea in info information integration interest invoice is it kind kit law lead leads "
    "legal let line link linkedin list local long low mail man manager march may me media meeting meetings message "
    "mind minimum minute minutes mobile moment no normal numbers of offer office ok on online open option or order "
    "original over package page partner party pass pdf person pilot plan plus pm point pos possible problem process "
    "product program project pst rate rates reference references report rn run service services set site slow sms "
    "so software spam spring standard study system talent team teams test tips to tool tools total training trial "
    "utc visit was we web website wed weekend zoom"
)
#: A text with fewer words is surely English only if hardly anything else is in it.
_SHORT = 8
#: Links and addresses are of no language.
_ADDRESS = re.compile(r"@|://|\bwww\.", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def is_surely_english(text: str, names: Iterable[str] = ()) -> bool:
    """True when the text is English beyond doubt. `names`: of its author, which belong to no language.

    False for a text without words, and for any other language.
    """
    if language_of(text) not in (None, "en"):
        return False
    known = {word for name in names for word in _words(name)}
    words = [word for word in _words(text) if word not in known]
    english = sum(word in _ENGLISH for word in words)
    strange = sum(word not in _ENGLISH and word not in _ANYWHERE for word in words)
    if len(words) < _SHORT:
        return english > strange
    return english >= 3 and 2 * strange <= len(words)


def _words(text: str) -> list[str]:
    kept = " ".join(part for part in text.split() if not _ADDRESS.search(part))
    return [word.lower() for word in _WORD.findall(kept.replace("\u2019", "'"))]
