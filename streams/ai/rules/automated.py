"""Tells what a machine wrote: calendar acceptances, absences, acknowledgements. Their dates book nothing."""

import re

from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

_READ_LIMIT = 4_000
_ACCEPTED_SUBJECT = re.compile(
    r"^(?:(?:re|aw|fwd?|wg) ?: ?)?(?:accepted|zugesagt|zusage|angenommen|accepte|aceptad[ao]|aceite|aceito"
    r"|accettat[ao]|geaccepteerd|zaakceptowano|przyjeto|accepterad|accepterat|akseptert|accepteret"
    r"|hyvaksytty)(?: par \w+| this invitation)? ?[:\uff1a]"
)
_ACCEPTED_BODY = Phrases(
    r"\b(?:has accepted (?:this|your|the) (?:meeting |calendar |event )?invit|a accepte (?:cette|votre"
    r"|l) ?invitation|ha aceptado (?:esta|tu|su|la) invitacion|hat (?:diese|ihre|die"
    r"|deine) einladung (?:angenommen|akzeptiert)|aceitou (?:este|seu|o|esse) convite|ha accettato (?:questo"
    r"|il tuo|l)|heeft (?:deze|je|uw) uitnodiging geaccepteerd)"
)
_DECLINED_SUBJECT = re.compile(
    r"^(?:declined|abgelehnt|refuse|rechazad[ao]|recusad[ao]|rifiutat[ao]|geweigerd|afgewezen"
    r"|tentative(?:ly accepted)?|mit vorbehalt|provisoire|provisional|canceled|cancelled) ?: "
)
_AUTO_SUBJECT = Phrases(
    r"auto(?:-| )?(?:reply|replies|response|responder|matic reply|matic response|matische antwort|matische"
    r"|matisch antwoord|matica|matico|matyczn|svar|matiskt svar|matisk svar|matic)|^\[?auto\]?\b|\[auto\]"
    r"|autoreply|reponse automatique|respuesta automatica|resposta automatica|risposta automatica"
    r"|\babwesen\w*|\babsen(?:ce|t|cia|za)\b|\bafwezig\w*|\bfuori (?:ufficio|sede)|\bfuera de (?:la )?oficina"
    r"|\bfora do escritorio|\bpoza biurem|\bfravaer\w*|\bfranvar\w*|\bude af kontoret|\bikke (?:til stede"
    r"|pa kontoret)"
    r"|\bout of (?:the )?office\b|\booo\b|^away\b|^(?:on )?(?:annual |parental |maternity |paternity "
    r"|sick )?leave\b|^(?:on )?(?:vacation|holiday|sabbatical)|^closed\b|^office closed"
    r"|^i am (?:away|out)\b|\bis (?:out|away)$"
    r"|^(?:urlaub|vacances|vacaciones|ferias|ferie|vakantie|urlop|semester|conge)"
)
_AUTO_BODY = Phrases(
    r"^[\[(<*]{0,2}(?:auto(?:matic|mated)?(?:[- ]?(?:reply|response|message|responder"
    r"|answer))?)[\])>*]{0,2} ?[:\-\])]|^[\[(](?:automatic|auto|automated)[\])]|\bautomat(?:ic"
    r"|ed)(?:ally)? (?:reply|response|message|e-?mail|away|acknowledg\w+|answer|generated|sent)"
    r"|\bsent automatically\b|\bthis is an auto|\bauto-?reply\b|\bauto-?response\b|\bautomatisch(?:e"
    r"|en)? (?:antwort|nachricht|erzeugt|generiert|erstellt|antwoord|bericht)|\bmessage automatique"
    r"|\bmensaje automatico|\bmensagem automatica|\bmessaggio automatico|\bautomatyczn\w+ (?:odpowiedz"
    r"|wiadomosc)|\bautomatiskt? (?:svar|meddelande|generer)|\bautosvar\b"
)
_ABSENT = Phrases(
    r"\b(?:out of (?:the )?(?:office|town|country)|ooo\b|taking (?:\w+ ){1,3}off\b|away (?:in|at|with|on"
    r"|message)\b|(?:on|taking) (?:\w+ )?(?:leave|vacation|holidays?|pto|sabbatical|furlough|jury duty"
    r"|honeymoon|a cruise|break)|(?:on|off on|from) my (?:holidays?|hols|vacation|break)|(?:am|are|im|be|is"
    r"|were|currently) (?:\w+ )?(?:away|offline|travell?ing|out(?! of (?:stock|budget|time))|unavailable"
    r"|abroad|not (?:working|available|in(?: the office)?|reading))|(?:office|clinic|shop|store|practice"
    r"|school|company|we|bakery|studio|building)(?: \w+){0,2} (?:is|are|be|re|were) (?:\w+ )?closed"
    r"|were closed|(?:closed|away) (?:for|until|til|till|from|today|through|on)|i only work (?:on )?(?:mon|tue"
    r"|wed|thu|fri|part)\w*|do(?:nt| not) work (?:on )?(?:mon|tue|wed|thu|fri)\w*|limited (?:access"
    r"|availability)|no (?:access to|cell service|wifi|signal)|mostly offline|(?:back|return(?:ing|s)?"
    r"|reopens?) (?:in|on|to|at)? ?(?:the )?(?:office|my desk|dry land|work)\b|(?:parental|maternity|paternity"
    r"|annual|sick|medical|bereavement|compassionate|family|study) leave|at (?:a|the) (?:conference"
    r"|trade ?show|offsite|retreat|training)|crew retreat|in surgery (?:until|till?)|reachable (?:again|from)"
    r"|(?:winter|summer|christmas|spring|family) break|reopens|is out(?: of|$))"
    r"|\b(?:nicht (?:im (?:haus|buro)|am platz|erreichbar|anwesend)|ausser haus|abwesend|(?:im|in"
    r"|auf) (?:urlaub|elternzeit|dienstreise|mutterschutz|betriebsferien)|wieder (?:erreichbar|im (?:buro"
    r"|haus)|fur sie da)|geschlossen|krankgeschrieben)\b"
    r"|\b(?:absente?|en (?:conges?|vacances|deplacement)|de retour|en arret|hors du bureau|ferme[es]? (?:jusqu"
    r"|pour|du)|conge (?:maternite|parental))\b"
    r"|\b(?:fuera de (?:la )?oficina|de vacaciones|ausente|de viaje|de baja(?: \w+)?|de permiso|vuelvo el"
    r"|regreso el|estare fuera|cerrad[ao]s?)\b|\b(?:de ferias|fora do escritorio|ausente|em viagem|de licenca"
    r"|regresso|retorno (?:dia|em|no)|estarei fora)\b"
    r"|\b(?:fuori (?:ufficio|sede)|in (?:ferie|vacanza|maternita|trasferta)|assente|al mio rientro|rientro"
    r"|rientrero|chius[oia])\b|\b(?:afwezig|met (?:vakantie|verlof|zwangerschapsverlof)|op vakantie"
    r"|niet aanwezig|niet op kantoor|weer bereikbaar|gesloten|werk niet op|buiten kantoor)\b"
    r"|\b(?:na urlopie|poza biurem|nieobecn\w+|w delegacji|wracam|urlop\w*|nie bede dostepn\w+|zwolnieni\w+)\b"
    r"|\b(?:pa semester|semester|foraldraledig\w*|inte pa (?:plats|kontoret)|tjanstledig|bortrest|ateri?kommer"
    r"|tillbaka (?:den|pa)|pa ferie|ferie|foraeldreorlov|foreldrepermisjon|permisjon|pa barsel|barsel\w*"
    r"|ikke (?:til stede|pa kontoret|pa jobb|tilgaengelig)|tilbake (?:den|pa|fra)|tilbage (?:den|pa|fra)"
    r"|lomalla|poissa)\b"
)
#: What only an absence notice adds: who stands in, when mail is read again.
_NOTICE = Phrases(
    r"\b(?:urgent|emergenc(?:y|ies)|pressing|immediate (?:assistance|attention|help)|in the meantime"
    r"|in my absence|while i(?: a)?m (?:away|out|gone)|limited (?:access|availability)|(?:will|ll"
    r"|shall) (?:\w+ )?(?:respond|reply|answer|get back|read|see|return|work through|text back|be back"
    r"|come back|catch up|deal with|attend)|back (?:on|in|the|at|when|after|by|around|sometime|from)"
    r"|return(?:ing|s)? (?:on|in|to|the|from)?|reopens?|reads?(?:ing)? mail|until|til|till|through"
    r"|has the keys|contact|no cell service|wont be checking|not (?:be )?checking|next working day"
    r"|replies will be slow|for anything)\b"
    r"|\b(?:dringend\w*|vertretung|bis (?:einschlie|zum|\d)|ab dem|wieder|wende[nt]? sie|urgence|urgent\w*"
    r"|jusqu|retour|contacter|urgente\w*|hasta|contacte|escriba|ate|volto|fino al|rientro|dringende?"
    r"|tot en met|tot|neem contact|pilnych|do dnia|do \d|wracam|till och med|til og med|t\.?o\.?m|frem til"
    r"|kontakt|bradskande|haster)"
)
#: A person who speaks of an absence asks for something, or to be written to later.
_PERSONAL = Phrases(
    r"\?|\b(?:but (?:i|the|lets|can|could|any|maybe|happy|would|we|after|on|mon|tue|wed|thu|fri)|lets|ping me"
    r"|try me|try again|write (?:me )?again|get back to me|check back|reconnect|ask me|follow up (?:then|after"
    r"|when)|interesting|interested|sounds|love to|happy to (?:talk|chat|meet)|call me|works for me"
    r"|reach out (?:then|after|when|again)|contact me (?:then|after|again)|touch base|can (?:we|you)"
    r"|could (?:we|you)|send me|text me ton)\b"
)
_ACKNOWLEDGED = Phrases(
    r"\b(?:(?:has|have|weve|was|is|been) (?:been )?(?:successfully )?(?:received|logged|registered|created"
    r"|recorded|opened|assigned)\b|we (?:have |ve |got |have got )?(?:received|logged|got) your|(?:ticket|case"
    r"|request|reference|tracking|enquiry|inquiry|incident|confirmation)(?: (?:number|id|no\.?"
    r"|ref))? ?[:#(\[]{0,2} ?#?[a-z]{0,5}-?\d{3,}|(?:ticket|case|reference) (?:number|id)\b"
    r"|(?:please )?do not (?:reply|respond)(?: (?:directly )?to this)?|(?:we|team|someone|representative|agent"
    r"|colleague|advisor|member|staff|i)\b[^.!?\n]{0,40}\b(?:will|aim to|try to|strive to|endeavou?r to|shall"
    r"|hope to|usually|normally|typically) (?:\w+ )?(?:respond|reply|get back|be in touch|answer|review"
    r"|contact|come back|follow up|attend)\b[^.!?\n]{0,60}|within (?:\w+ ){0,3}(?:hours?|business days?"
    r"|working days?|days)\b|in (?:24|48|72) hours)"
    r"|\b(?:ist|sind) bei uns eingegangen|\b(?:haben|hat) (?:ihre|deine|die) (?:nachricht|anfrage|e-?mail"
    r"|mail) (?:erhalten|bekommen)|\bautomatic confirmation|\b(?:msg|message) received\b|\bmelden uns\b"
    r"|\bpick it up (?:shortly|soon)|\breached our\b|\beingangsbestatigung|\b(?:vorgangs|ticket|referenz"
    r"|bearbeitungs)nummer|\bwerden (?:uns|ihre anfrage|sie)[^.!?\n]{0,60}(?:melden|bearbeiten|beantworten"
    r"|kontaktieren)|\baccuse de reception|\ba (?:bien )?ete (?:recu|enregistre)|\bbien recu votre"
    r"|\bsera traitee?|\bdans les (?:meilleurs|plus brefs) delais|\bne pas (?:y )?repondre|\bhemos recibido"
    r"|\bha sido (?:registrad|recibid)|\bno responda|\bnos pondremos en contacto|\ben breve\b"
    r"|\brecebemos (?:a )?su|\bfoi registrad|\bnao responda|\bretornaremos|\bem breve\b"
    r"|\babbiamo ricevuto|\bstata (?:ricevuta|registrata|presa in carico)|\bnon rispond(?:a|ere|ete)"
    r"|\bontvangstbevestiging|\b(?:hebben|in goede orde) [\w ]{0,30}ontvangen|\bstreven er ?naar|\bwij nemen"
    r"|\breageren (?:wij )?binnen|\buw (?:referentie|bericht is|vraag is)|\bpotwierdzen\w+ (?:otrzyman|odbior)"
    r"|\bzosta(?:la|lo) (?:zarejestr|przyjet)|\bnie odpowiada|\bhar (?:tagit|tatt|mottatt|mottagit|modtaget"
    r"|taget)\b|\barende\w*|\b(?:saks|sags)nummer|\baterkommer inom|\bsvarer? (?:vanligvis |normalt )?innen"
)
_RETURN = Phrases(
    r"\b(?:until|til|till|back|return\w*|wont see|bis|jusqu|hasta|ate|fino al|tot|do dnia|till och med|til og med)\b"
)
_TICKET_SUBJECT = Phrases(
    r"^\[|\b(?:ticket|case|request|incident|enquiry|inquiry|vorgang|anfrage|demande|solicitud|zgloszenie"
    r"|arende\w*|sag|sak)\b[^\n]{0,20}\d{3}|\b(?:received|eingang|recu|recibido|recebid|ontvangst|otrzymania"
    r"|mottatt|tagit emot|modtaget)\w*"
    r"|^(?:thank you|thanks|we got|we have|we ve|weve)\b"
)
_THANKED = Phrases(
    r"\b(?:thank you|thanks|thx|thank u)\b[^.!?\n]{0,12}\bfor (?:contacting|your (?:e-?mail|message|enquiry"
    r"|inquiry|interest|patience|msg|submission|application|text|request)|getting in touch|texting"
    r"|reaching out to|writing to|calling|applying|messaging|connecting with us)\b|\byouve reached\b"
    r"|\byou have reached\b|\bvielen dank fur ihre (?:e-?mail|nachricht|anfrage)|\bmerci (?:de nous"
    r"|pour votre)|\bgracias por (?:ponerse|contactar|su|escribir)|\bobrigad\w por (?:entrar|seu|sua|contat)"
    r"|\bgrazie per (?:averci|aver|la sua|il suo)|\bbedankt voor (?:uw|je)|\bdziekujemy za|\btack for att"
    r"|\btakk for (?:din|at)|\btak for (?:din|at)"
)
_MACHINE_ONLY = Phrases(
    r"\b(?:read receipt|was (?:read|displayed|opened) (?:on|at)|(?:verify|prove|confirm) (?:that )?you(?:re"
    r"| are) (?:not a robot|human|a (?:legitimate|real))|not a robot|captcha|(?:has been|is being|was) (?:held"
    r"|quarantined)|held until you|challenge-response|boxbe|spamarrest|focus (?:turned )?on"
    r"|do not disturb (?:is )?(?:turned )?on|driving mode|sent while driving|im driving (?:with|and (?:will"
    r"|have))|txt (?:help|stop) (?:for|to)|text help for|(?:cant|cannot|dont) (?:take"
    r"|accept) (?:\w+ ){0,3}by (?:text|sms|e-?mail)|only accept (?:texts|e-?mails|messages) from|(?:will"
    r"|ll) (?:see|get) your (?:message|notification) (?:when|later|once)|(?:text|reply|press|type|send) (?:\d"
    r"|[a-z]) (?:for|to)\b|answered by a bot|(?:number|line|mailbox|inbox|address|account) (?:is )?(?:not"
    r"|un) ?monitored|text line hours|office hours are|only shortlisted|no-?reply address"
    r"|unattended (?:mailbox|inbox)|processed automatically|receive (?:many|a lot of"
    r"|a high volume)[^.!?\n]{0,60}(?:cant|cannot|unable)|mailbox is (?:checked|monitored))\b"
)


#: Programs' own sentences about a mail that was opened or arrived, which answer nothing.
_READ_SUBJECT = re.compile(
    r"^(?:read|not read|gelesen|ungelesen|lu|lue|non lu|leido|no leido|lido|lida|letto|letta|gelezen|przeczytano|last"
    r"|laest|lest|delivered|relayed|zugestellt|recu|entregado|entregue|consegnato|bezorgd"
    r"|read[- ]receipt|return receipt(?: \(displayed\))?|lesebestatigung|accuse de lecture|confirmacion de lectura"
    r"|confirmacao de leitura|conferma di lettura|leesbevestiging) ?[:\uff1a-]"
)
_READ_BODY = Phrases(
    r"\b(?:was (?:read|displayed|opened|deleted without being read) on|return receipt for the (?:mail|message|e-?mail)"
    r"|this (?:return |read )?receipt (?:only )?(?:acknowledges|confirms|shows|verifies)"
    r"|(?:has been|was) (?:successfully )?(?:delivered|relayed) to the following recipients"
    r"|delivery to these recipients or (?:distribution lists|groups)"
    r" is complete|wurde am [^\n]{4,60} gelesen|a ete lu le|se (?:ha )?leyo el|foi lida? em|e stato letto il"
    r"|is gelezen op|disposition: ?(?:manual|automatic)-action)"
)


def is_receipt(subject: str, whole_text: str) -> bool:
    """A mail program says that a mail was read or has arrived.

    Of the whole text: such notices repeat the mail's headers, which elsewhere begin what was answered.
    """
    return bool(_READ_SUBJECT.search(fold(subject)) and _READ_BODY.search(fold(whole_text, _READ_LIMIT)))


def is_calendar_acceptance(subject: str, text: str) -> bool:
    """A calendar program says that the lead accepted an invitation."""
    folded_subject = fold(subject)
    return bool(
        _ACCEPTED_SUBJECT.search(folded_subject)
        or (not _is_answer(folded_subject) and _ACCEPTED_BODY.search(fold(text, _READ_LIMIT)))
    )


def find_automated(subject: str, text: str) -> str | None:
    """`out-of-office`, `auto-acknowledgement`, or None where a person wrote."""
    folded_subject, folded = fold(subject), fold(text, _READ_LIMIT)
    declared = bool(_AUTO_SUBJECT.search(folded_subject)) and not _DECLINED_SUBJECT.search(folded_subject)
    machine = declared or bool(_AUTO_BODY.search(folded))
    absent = bool(_ABSENT.search(folded))
    personal = bool(_PERSONAL.search(folded))
    if absent and (machine or (not personal and _NOTICE.search(folded) and _is_notice(folded_subject, folded))):
        return "out-of-office"
    acknowledges = bool(_MACHINE_ONLY.search(folded) or _ACKNOWLEDGED.search(folded))
    if machine and not acknowledges and _RETURN.search(folded):
        return "out-of-office"
    if machine or _MACHINE_ONLY.search(folded):
        return "auto-acknowledgement"
    ticket = bool(_TICKET_SUBJECT.search(folded_subject))
    signs = ticket + len({match.group() for match in _ACKNOWLEDGED.finditer(folded)}) + bool(_THANKED.search(folded))
    return "auto-acknowledgement" if signs >= 2 and not personal else None


def _is_answer(folded_subject: str) -> bool:
    return folded_subject.startswith(("re:", "aw:", "sv:", "odp:", "antw:", "re :"))


_FULL_NOTICE = re.compile(
    r"^(?:[\w ,.!'-]{0,40}[,!:\n] ?)?(?:(?:thank you|thanks|hi|hello|vielen dank|merci|gracias|obrigad|grazie"
    r"|bedankt|dank|tack|dziekuje)[^.!\n]{0,60}[.!,\n] ?)?(?:(?:i am|im|we are|were|currently|our|the|my"
    r"|i will be|ill be|i only|ik ben|ich bin|je suis|estoy|estou|sono|jestem|jag ar|jeg er|wir sind"
    r"|nous sommes|out of|ooo|away|on (?:vacation|leave|holiday|annual|parental|maternity)|off on|at a|crew"
    r"|limited|absent|ausser))\b"
)


def _is_notice(folded_subject: str, folded: str) -> bool:
    """The message begins with the absence, and is no answer to what we wrote."""
    return bool(_FULL_NOTICE.match(folded)) and (not _is_answer(folded_subject) or "out of office" in folded[:80])
