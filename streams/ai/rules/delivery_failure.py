"""Tells from an e-mail's own words that it could not be delivered, or that nobody reads that mailbox any more.

Only e-mails: "my calendar is blocked" and "your text bounced around the office" are words of people.
"""

import re

from headrace.providers.bounces import is_final
from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

#: A failure report says so in its first page; below comes the returned mail.
_READ_LIMIT = 6_000
_SUBJECT = re.compile(
    r"^(?!(?:re|aw|sv|tr|rv|odp|antw) ?:)[^\n]{0,40}(?:undeliver(?:able|ed)|delivery (?:status notification"
    r"|failure|has failed|failed|report|notification)|mail delivery (?:failed|failure|subsystem|system)"
    r"|delivery (?:is |has been |was )?(?:delayed|deferred|incomplete)|delayed: |delayed mail"
    r"|warning: (?:message|mail|could)"
    r"|returned (?:mail|to sender|message)|return(?:ed)? to sender|failure notice|mail system error"
    r"|non-?delivery|not delivered|message not delivered|could not (?:be delivered|deliver)|rejected:|bounce"
    r"|ndn:"
    r"|unzustellbar|nicht zugestellt|zustellung fehlgeschlagen|zustellungsfehler|non remis|non distribu"
    r"|echec de (?:la )?(?:remise|livraison|distribution)|no (?:se )?(?:ha podido|pudo|entregado|se pudo)"
    r"|no se puede entregar|mensaje no entregado|devuelto"
    r"|nao entregue|falha (?:na|de) entrega|devolvid|mancat[ao] (?:consegna|recapito)|impossibile recapitare"
    r"|onbestelbaar|niet (?:bezorgd|afgeleverd)|bezorging mislukt|niedostarcz|nie dostarczon|zwrot"
    r"|kunne ikke leveres|leveringsfeil|kunde inte levereras|olevererbart|det gick inte att leverera"
    r"|kan ikke leveres|uleverbar)"
)
_TECHNICAL = Phrases(
    r"\breporting-mta\b|\bfinal-recipient\b|\bdiagnostic-code\b|\bthis is the mail system at host\b"
    r"|\bmailer-daemon\b|\b[45]\d\d[ \-#]{1,3}[45]\.\d{1,2}\.\d{1,3}\b|\bstatus: ?5\.\d"
    r"|\bpermanent(?:ly)? (?:fatal )?(?:errors?|failure)\b"
    r"|\bresolver\.adr\b|\brcpt to\b|\bremote server (?:returned|said)\b|\bsmtp error\b"
    r"|\btranscript of session\b|\b(?:created|generated) automatically by mail delivery\b|\bmail loops? back\b"
    r"|\b55[0-4][ :-]{1,3}\S"
)
_PHRASE = Phrases(
    r"\b(?:(?:could|can|was|were|has|have|is)(?:nt"
    r"| not)? ?(?:not )?(?:be(?:en)? )?(?:successfully )?deliver(?:ed|able)|undeliverable|undelivered"
    r"|unable to deliver|delivery (?:has |to the following [\w ]{0,30})?failed|failed to deliver"
    r"|not deliver(?:ed)? (?:to )?(?:one or more|the following)"
    r"|user (?:is )?unknown|unknown (?:user|address|recipient)|no such (?:user|recipient|mailbox|address)"
    r"|(?:mailbox|inbox|quota|account) (?:is )?(?:full|exceeded|over quota|unavailable|disabled|suspended"
    r"|does not exist)|over quota|invalid recipient|recipient (?:address )?(?:was |has been )?(?:rejected"
    r"|not found|unknown)"
    r"|address (?:not found|could ?nt be found|could not be found|does not exist|rejected)|(?:does"
    r"|did) ?nt exist|does not exist|unroutable|unrouteable|doesnt have a mailbox|was ?nt found at"
    r"|was not found at|rejected by the recipient|message (?:was )?(?:rejected|blocked)"
    r"|domain (?:name )?(?:not found|does not exist)|host (?:not found|unknown)"
    r"|account that you tried to reach"
    r"|nicht zugestellt|unzustellbar|empfanger [\w ]{0,30}nicht gefunden|adresse nicht gefunden"
    r"|echec de la remise|na pas pu etre (?:remis|livre|distribue)|introuvable|nexiste pas"
    r"|no (?:se )?(?:ha podido|pudo) (?:ser )?entreg|no se encontro|no existe|nao (?:foi possivel"
    r"|pode ser) entreg|nao existe|nao foi encontrad"
    r"|non e stato possibile (?:consegnare|recapitare)|non esiste|impossibile (?:consegnare|recapitare)"
    r"|niet (?:worden )?(?:bezorgd|afgeleverd)|bestaat niet|nie (?:zostala|moze zostac|mozna bylo) dostarcz"
    r"|nie istnieje|kunne ikke leveres|kunde inte levereras|finns inte|finnes ikke|findes ikke)"
)
_DELAY = Phrases(
    r"\b(?:delay(?:ed)?|delivery incomplete|deferred|warning: message|not yet been delivered"
    r"|verzogert|retarde|retrasad|ritardat|vertraagd"
    r"|opozniona)\b"
)
#: What a mail server says of one mail that it has not given up.
_DELIVERING = Phrases(
    r"\b(?:deliver(?:ing|y of)? (?:your|the|this) (?:message|mail|e-?mail)|(?:message|mail|e-?mail) (?:has |was |is )?"
    r"(?:not )?(?:yet )?(?:been )?(?:delivered|delayed|deferred|queued)|delivery (?:is |has been |was )?(?:delayed"
    r"|deferred|incomplete|to these recipients)|recipient server)"
)
_STILL_TRYING = Phrases(
    r"\b(?:will (?:keep|continue) (?:on )?(?:trying|to (?:try|be attempted))"
    r"|will (?:be )?(?:automatically )?retr(?:y|ied)|action: ?delayed"
    r"|still (?:be )?(?:being )?(?:tried|trying|attempt)|do not need to (?:do anything|resend)"
    r"|not been delivered yet|no action is required)"
)
_AUTO_SUBJECT = Phrases(
    r"auto(?:-| )?(?:reply|matic|response|matisch|matique|matica|matyczn|svar|matiskt|matisk)|autoreply"
    r"|respuesta auto|resposta auto|reponse auto|abwesen|risposta auto|out of office|\booo\b"
)
_MAILBOX = (
    r"(?:mail ?box|inbox|in-box|e-?mail(?: address| account)?|address|account|postfach|mailadresse|adresse"
    r"|boite(?: \w+)?|messagerie|buzon|cuenta|correo|direccion|caixa|conta|endereco|casella|indirizzo|account"
    r"|postvak|adres|skrzynka|konto|brevlada\w*|postkasse\w*|innboks\w*)"
)
_DEAD = Phrases(
    rf"\b(?:this |the |that |diese[srn]? |dieses |cette |este |esta |questo |questa |deze |dit |ta |ten |denna "
    rf"|denne )?{_MAILBOX}\b[^.!?\n]{{0,60}}\b(?:(?:is|are|being|be|was|has been|will be|will not be"
    rf"|will no longer be) (?:no longer(?! (?:to be )?used for your\b)|not any ?more|retired"
    rf"|deactivated|closed|decommissioned|discontinued|disabled"
    rf"|abandoned|shut down|deleted|removed|not read|not be read|read by no one|defunct|obsolete"
    rf"|permanently \w+)"
    r"|no longer (?:monitored|in use|active|read|checked|used(?! for your\b)|attended|exists?|valid|works|in service)"
    r"|not (?:be )?read\b|retired\b|(?:wird|werden|ist) nicht (?:mehr|langer) (?:gelesen|abgerufen|verwendet"
    r"|genutzt|betreut|aktiv|gultig)|n ?est plus (?:consulte|releve|utilise|active|lue|valide|surveille)\w*"
    r"|nest plus (?:consulte|releve|utilise|active|lue|valide|surveille)\w*"
    r"|ya no (?:se |esta )?\w+|nao (?:e|esta) mais \w+|non e piu \w+|wordt niet (?:meer|langer) \w+"
    r"|is niet (?:meer|langer) \w+|nie jest (?:juz )?(?:czytana|sprawdzana|uzywan\w+|aktywn\w+|monitorowan\w+)"
    r"|(?:lases|leses|laeses|anvands|brukes|bruges|bevakas) (?:inte|ikke) (?:langre|lenger|laengere)"
    r"|ar avslutad|er nedlagt|er lukket)"
    r"|\bmail (?:sent )?(?:here|to this address) (?:is|will) (?:not|be) (?:be )?(?:delivered|read|deleted"
    r"|discarded)|\bnobody (?:reads|monitors|checks) this\b|\b(?:messages|mails?|e-?mails?) are (?:not"
    r"|no longer) (?:being )?read\b|\bthis inbox will not be read\b"
)
_DEPARTED = Phrases(
    r"\b(?:(?:is|am|are) no longer (?:employed|working|works?|with|at|part of|a member|an employee|in (?:this"
    r"|that) (?:role|position))|no longer (?:works?|employed|with the (?:company|firm|organi[sz]ation|practice"
    r"|school|team))|has (?:now )?(?:left|departed|retired from|moved on from)\b[^.!?\n]{0,50}|(?:left"
    r"|departed) (?:the |our )?(?:company|firm|practice|organi[sz]ation|business|school|hospital|charity|team)"
    r"|passed away|ceased trading|has closed(?: down)?|closed (?:its doors|permanently|in (?:january|february"
    r"|march|april|may|june|july|august|september|october|november|december)))"
    r"|\b(?:arbeitet|ist) nicht mehr (?:bei|fur|in|im|tatig|beschaftigt)|\bnicht mehr (?:bei uns"
    r"|im unternehmen|fur uns|tatig|beschaftigt)|\b(?:ist )?ausgeschieden|\bhat (?:das"
    r"|unser) unternehmen verlassen|\bne (?:fait|travaille) plus (?:partie|chez|dans|pour)"
    r"|\bnest plus (?:en poste|salarie|parmi|dans|chez)|\ba quitte (?:la|le|l|notre|nos|ses)"
    r"|\bya no (?:trabaja|forma parte|labora|esta con)|\bnao (?:trabalha|faz) mais|\bnao faz mais parte"
    r"|\bdesligou-se|\bnon (?:lavora|fa) piu|\bha lasciato (?:l|la)|\bniet (?:meer|langer) (?:werkzaam"
    r"|in dienst|bij)|\b(?:juz )?nie pracuje(?: juz)?|\b(?:har slutat|arbetar inte langre|jobber ikke lenger"
    r"|har sluttet|er stoppet|arbejder ikke laengere|er fratradt)"
)


def find_bounce(subject: str, text: str) -> str | None:
    """The rule by which an e-mail is a failure report, or None. A report of a mere delay is `delivery-delayed`."""
    folded_subject, folded = fold(subject), fold(text, _READ_LIMIT)
    is_delay = bool(_STILL_TRYING.search(folded) or _DELAY.search(folded_subject))
    technical = len({match.group() for match in _TECHNICAL.finditer(folded)})
    titled = bool(_SUBJECT.search(folded_subject))
    if is_delay and (titled or technical) and (_DELIVERING.search(folded) or technical > 1):
        return "delivery-delayed"
    phrases = {match.group() for match in _PHRASE.finditer(folded)}
    if not (technical and (phrases or titled)) and not (titled and phrases) and technical < 2 and len(phrases) < 3:
        return None
    return "delivery-delayed" if is_delay or not is_final(text) else "bounce-report"


def is_dead_mailbox(subject: str, text: str) -> bool:
    """An automatic answer says that the person left or that nobody reads the mailbox."""
    folded = fold(text, _READ_LIMIT)
    if len(folded) < 1_500 and _DEAD.search(folded):
        return True
    return bool(_AUTO_SUBJECT.search(fold(subject)) and _DEPARTED.search(folded))
