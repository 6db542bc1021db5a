"""Hears that a person wants no more messages, in every language we write to; before any model, on every channel.

Silence is the lead's right, so the patterns are wide; what they must not take for it (`stop by on Tuesday`, `END of
quarter`, `cancel our meeting`) is listed in the tests. All patterns read folded text (see `folding.fold`) and have
bounded gaps only, so that their time is linear.
"""

import re

from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

#: Whole messages that carriers and mail programs honour, and the same in other languages.
_KEYWORD_LIST = (
    "stop|stopall|stop all|unsubscribe|unsubscribe all|unsub|cancel|end|quit|revoke|optout|opt out|opt-out"
    "|remove|remove me|remove us"
    "|stop please|please stop|pls stop|plz stop|stop pls|stop plz|stop it|stop this|stop now|just stop"
    "|stop texting|stop sms|stop sending|arretstop|stop stop"
    "|unsubscribe me|please unsubscribe|please remove|remove please|remove pls|please cancel|opt me out"
    "|off the list|no more|take me off"
    "|stopp|abmelden|abbestellen|austragen|aufhoren|bitte abmelden|abmeldung"
    "|arret|arreter|arretez|desabonner|desabonnement|desinscription|desinscrire|me desabonner"
    "|desinscrivez-moi|stop svp"
    "|baja|darme de baja|dar de baja|alto|parar|pare|sair|descadastrar|remover|cancelar|cancelar suscripcion"
    "|cancelar inscricao|anular"
    "|basta|cancellami|cancellatemi|disiscrivimi|disiscrivetemi|cancella|disiscrizione|rimuovimi"
    "|uitschrijven|afmelden|meld af|stoppen|avregistrera|avsluta|sluta|avmeld|avslutt|afmeld|afmeld mig|slutt"
    "|stans|lopeta|peruuta"
    "|wypisz|wypisz mnie|rezygnuje|rezygnacja|koniec|anuluj"
)
#: Words that nobody begins an answer with by chance; the others (end, cancel, quit …) need the whole message.
_PLAIN_KEYWORD_LIST = (
    "stop|stopall|unsubscribe|optout|opt-out|opt out|unsub|remove me|please stop|stop please|stopp"
    "|desabonnement|uitschrijven|abmelden"
)
_KEYWORDS = frozenset(_KEYWORD_LIST.split("|"))
_PLAIN_KEYWORDS = frozenset(_PLAIN_KEYWORD_LIST.split("|"))
_SHOUTED_LINE = re.compile(r"(?:STOP(?: ?ALL)?|UNSUBSCRIBE|CANCEL|END|QUIT|REVOKE|OPT-?OUT)[\s.!]{0,4}")
_SHOUTED_WORD = re.compile(
    r"\s{0,9}(?:STOP(?: ?ALL)?|UNSUBSCRIBE|OPT-?OUT)\b(?![\s,]{0,3}(?:by|in|over|at|the|a|and|or|for|off|to"
    r"|using|with|of|losing|rates?|on|me if|you there)\b)",
)
_NOT_LETTERS = re.compile(r"[^a-z \-]+")
_SPACED = re.compile(r"\b(?:[a-z][ .\-_]){3,12}[a-z]\b")
_LONGEST_KEYWORD_MESSAGE = 60
_SIGNATURE_LINE_WORDS = 7

_WRITE = (
    r"(?:text|texts|texting|txt|txts|txting|e-?mail|e-?mails|e-?mailing|mail|mails|mailing|message|messages"
    r"|messaging|msg|msgs|contact|contacting"
    r"|call|calls|calling|phoning|writing|spam|spamming|bother|bothering|bugging|harass|harassing|harassment"
    r"|send|sending|reaching|dm|dms|dming"
    r"|pinging|soliciting|solicitation|sms|pestering|hounding|chasing|following up|blowing up|hitting|nagging"
    r"|asking|selling|pitching|trying|stalking|outreach|communications?|communicating|correspondence|sequence)"
)
_FILLER = (
    r"(?:(?:all|any|the|these|this|those|that|with|please|sending|me|us|your|ur|so many|your company|every"
    r"|further|more|of|damn|fucking|bloody|stupid|bot|automated|sales|marketing|cold|unwanted|unsolicited|junk"
    r"|daily|spammy|to|from) ){0,4}"
)
_CONTACT = (
    r"(?:contact|text|txt|e-?mail|mail|message|msg|call|write|bother (?:me|us)|reach out|reach|send|ping|dm"
    r"|disturb|solicit|harass|phone|approach|get in touch|follow up|sms|wasapp|whatsapp|pitch|spam|cold[ -]?call"
    r"|market to|sell to|prospect)"
)
_LIST = (
    r"(?:lists?|data ?base|db|system|records?|crm|mailings?|distribution|sequence|campaigns?|cadence|contacts?"
    r"|files?|rotation|texts?|e-?mails?|thing|blast|newsletter|circulation|group|subscribers?|mailer|outreach"
    r"|books|marketing|drip|bcc|cc)"
)
_MINE = (
    r"(?:me|us|my \w+|our \w+|this (?:number|address|e-?mail|phone|line|one|contact|person|inbox|account"
    r"|office|company)|the (?:address|number|e-?mail|office|company|parish|team|practice|school|shop)"
    r"|[\w.+-]{1,40}@[\w.-]{3,60})"
)

_ENGLISH = {
    "stop-writing": (
        rf"\b(?:stop|stopp|cease|quit|halt|discontinue|end all|refrain from|knock (?:it )?off(?: with)?"
        rf"|pack (?:it )?in(?: with)?|quit it(?: with)?|cut (?:it )?out(?: with)?|done with|enough (?:of"
        rf"|with)) {_FILLER}{_WRITE}\b(?! (?:it|them|him) (?:a|an|the)\b)(?![^.!?\n]{{0,20}}\b(?:call|ring"
        rf"|phone) (?:me|us)\b)"
    ),
    "no-more-messages": (
        r"\b(?:no more|no further|not any more|zero more) (?:\w+ ){0,2}(?:texts?|txts?|e-?mails?|mails?"
        r"|messages?|msgs?|calls?|contact|communications?|correspondence|spam|sms|follow ?-?ups?|outreach"
        r"|solicitations?)\b(?![^.!?\n]{0,20}\b(?:until|till|before|unless)\b)"
    ),
    "no-solicitation": (
        r"\b(?:no solicit\w+|(?:do not|dont|does not|not) (?:have |give |gave |given )?(?:my |our "
        r"|any )?(?:consent|permission|consented)(?: to| for)? ?(?:be |receive |receiving |contact|text|call"
        r"|e-?mail|market|message|you)?|have ?nt (?:\w+ )?(?:consented|opted in|subscribed))"
    ),
    "no-other": (
        r"\b(?:do not|dont|never|not) (?:want|need|wish for|like|care for|accept|appreciate|get|receive|see"
        r"|welcome|require)(?: to (?:get|receive|see|have))? (?:(?:any|more|further|your|these|those|such|this"
        r"|other|of|another|one|kind|kinds|type|sort|cold|sales|marketing|unsolicited|automated) ?){1,5}(?:texts?"
        r"|txts?|e-?mails?|mails?|messages?|msgs?|calls?|contact|communications?|spam|sms|newsletters?|of these"
        r"|of those|of them)\b"
    ),
    "bare-stop": (
        r"^(?:(?:ok|okay|no|nope|hey|dude|man|just|pls|yo|stop|now|i said|seriously|omg|ffs|enough|yes"
        r"|please)[,.! ]+){1,4}stop[.! ]*$|\bstop (?:already|right now|immediately|at once)(?=$|[.!,\n])"
    ),
    "bare-remove": (
        r"(?:^|[.!?\n] ?)(?:please |pls |kindly )?(?:remove(?: me| us| it)?(?: please| pls| thanks)?"
        r"|no more)(?=[.!]|$|\n)|(?:^|[.!?,\n] ?)no more(?=[.!]|$|\n)"
    ),
    "not-be-contacted": (
        r"\b(?:not|no longer|dont|never|wont|cease to) (?:\w+ ){0,3}be(?:ing)? (?:contacted|messaged|e-?mailed"
        r"|texted|called|bothered|solicited|pitched|marketed|disturbed|approached)\b(?! (?:until|before"
        r"|by (?:phone|telephone)|during|on weekends))"
    ),
    "asks-for-silence": (
        rf"\b(?:ask(?:ed|ing)?|tell(?:ing)?|told|want|like|need|beg(?:ging)?|request(?:ed|ing)?|urge|order(?:ed)?"
        rf"|insist|prefer|demand|rather|appreciate(?: it)?|grateful|obliged|glad|happy|see to it|ensure"
        rf"|make sure)(?: (?:that|if|it|when|for))? (?:you|u|your \w+|you \w+|we|they|i)(?: (?:guys|people|lot|all"
        rf"|would|could|can|kindly|please|to|will|are|is|were|my))*? (?:not|never|dont|do not|didnt|did not|stop"
        rf"|stopped|quit|no longer|ceased?|left|leave|refrain(?:ed)? from)(?: (?:to|ever|please|be|try"
        rf"|trying))* (?:{_CONTACT}|contacting|texting|e-?mailing|messaging|calling|writing|contacted|messaged"
        rf"|texted|e-?mailed|wrote|me alone|us alone)\b(?! (?:before|until|by|during|on (?:weekends|mondays)"
        rf"|the (?:contract|invoice)))"
    ),
    "contact-must-end": (
        r"\b(?:e-?mails?|texts?|messages?|calls|communications?|correspondence|outreach"
        r"|contact)\b(?: \w+){0,4} (?:to|must|should|needs? to|have to|has to|will|shall|had better|better) (?:end"
        r"|stop|cease)\b(?: \w+)?(?=$|[.!,\n])"
    ),
    "not-in-touch": (
        r"\b(?:do not|dont|never) (?:be|get|stay|keep) in touch\b|\b(?:do not|dont|never|pls dont"
        r"|quit) send(?:ing)? (?:me|us)(?: (?:any|more|your|this|these|that|stuff|things|anything|crap|junk|shit"
        r"|further|such|again|any ?more|of|kind))*(?=$|[.!\n])"
    ),
    "please-stop": (
        r"\b(?:please|pls|plz|kindly|just|now|must|should|need to|needs to|have to|has to|to|i said|said|told you"
        r"|can you|will you|would you|could you|u|you|have you) stop(?: (?:this|it|that|now|already|immediately"
        r"|please|pls|at once|all this))?(?: [a-z]+,?)?(?=$|[.!?,;:\n)])"
    ),
    "do-not-contact": (
        rf"(?<!i )(?<!we )(?<!they )(?<!people )(?<!who )(?<!customers )(?<!clients )(?<!usually )(?<!you )\b(?:do"
        rf" not|dont|donot|dnt|never|not to|please not|nor|never ever)(?: (?:please|ever|you|dare|try to|attempt to"
        rf"|bother to|even|again))? {_CONTACT}(?: (?:me|us|to me|to us|him|her|here|at|on|this|my|our|the|phone"
        rf"|cell|personal|work|business|home|private|mobile|number|numbers|address|inbox|line|e-?mails?|texts?"
        rf"|messages?|to|anyone|anybody|any of us|linkedin|company|office|account|parents?|family|with|about|any"
        rf"|anything|more|further))"
        r"{0,7}(?: (?:any ?more|again|ever|ever again|in (?:the )?future|further|going forward|or anywhere else"
        r"|at all|henceforth|please|pls|thank you|thanks|unsolicited))?(?=$|[.!?;:\n)\"]|,(?= (?:please|pls|thanks"
        r"|thank you|ok|okay|im|i am|i have|were|it|its|this|you|kindly|period|ever)\b)| (?:it is|its|or"
        r"|and (?:delete|remove|take|lose|do not|dont|never)) )"
    ),
    "never-again": (
        rf"\b(?:do not|dont|didnt|did not|wouldnt|never|not|no one"
        rf"|nobody)(?: \w+){{0,3}} {_CONTACT}(?: \w+){{0,4}} (?:again|any ?more|ever"
        rf"|in (?:the )?future)\b(?! (?:until|before|when|if))"
    ),
    "wants-no-more": (
        r"\b(?:do not|dont|would not|wouldnt|no longer|never|didnt|did not|not|rather not|prefer not)(?: (?:really"
        r"|even|ever|to|want|wish|care|need|like|interested in|ask|agree|consent|sign up|be|being|would|you"
        r"|your company|have|asked))*"
        r" (?:to )?(?:receive|receiving|get|getting|hear|hearing|be contacted|being contacted|be messaged"
        r"|be texted|be emailed|be called|be on|being on|be bothered|contacted|bothered)\b(?: (?:any|more|further"
        r"|another|again|these|this|your|such|from|emails?|e-mails?|texts?|messages?|calls?|mails?|on|the|a|by|of"
        r"|else)){0,6}"
        r" (?:you|ur|your(?: company)?|e-?mails?|texts?|messages?|mails?|calls?|sms|spam|list|again|any ?more|them"
        r"|those|these|ads|offers)\b"
    ),
    "last-message": (
        r"\b(?:make (?:this|that|it) (?:your|the) last|(?:this|that|it) (?:needs to be|has to be|must be|is|was"
        r"|were|be|will be|should be|had better be|better be) (?:your |the |my )?last (?:e-?mail|message|text|mail"
        r"|msg|call|contact|note|one(?=$|[.! ,])|time(?=$|[.!\n])|time (?:you|i|we|this))|last (?:e-?mail|message"
        r"|text|mail|time|one|note|call) (?:i|we) (?:ever )?(?:get|receive|see|hear|have|want)|(?:glad|happy"
        r"|grateful|appreciate) .{0,40}last (?:e-?mail|message|text))\b"
    ),
    "leave-alone": (
        r"\b(?:(?:leave|left|leaving) (?:me|us|my \w+|our \w+|this (?:number|phone|inbox)) (?:the (?:hell"
        r"|fuck) )?(?:alone|be\b|in peace)|let me be$|get off my (?:phone|case|back|line)|go away|lose (?:my|this"
        r"|our|that) (?:number|address|e-?mail|contact|info|digits)|forget (?:my|this|our) (?:number|e-?mail"
        r"|address|contact)|(?:bother|annoy|spam|pester|harass) (?:some(?:one|body)|any(?:one|body)|people) else"
        r"|(?:find|go) (?:some(?:one|body) else|others?) to (?:bother|annoy|spam|pester|harass)"
        r"|not welcome (?:here|in my inbox))\b"
    ),
    "nothing-more": (
        r"\b(?:want|wish|expect|need|accept) nothing (?:more|further|else) (?:from|to do with) (?:you|u|your)\b"
        r"(?![^.!?\n]{0,20}\b(?:before|until|till|for now|today|yet)\b)|\bno more of (?:these|those"
        r"|this|it|them|that)(?=$|[.!,\n]| please| pls| thanks)|\b(?:be|is|this as"
        r"|was|marks|consider this) the (?:very )?end of (?:our|this|the|any) (?:correspondence|contact|outreach"
        r"|communications?|messages|e-?mails)\b|\bforget (?:that )?(?:you|u) (?:ever )?(?:had|have|got|know"
        r"|knew|saw) (?:this|my|our|that) (?:number|address|e-?mail|name|contact|phone)\b|\bforget (?:i|we)"
        r" (?:ever )?exist"
    ),
    "not-open-to-it": (
        r"\b(?:not|never|wont be|will not be) open to (?:any |such |cold |unsolicited |sales |vendor |more "
        r"|further |receiving )*(?:messages?|e-?mails?|mails?|outreach|pitches|solicitations?|texts?)\b"
        r"(?! (?:from|about) (?:a|an|any|our|my)\b)"
    ),
    "not-to-be-used": (
        rf"\b(?:number|address|inbox|mailbox|e-?mail|name|domain|line|phone|details|data)\b (?:is|be|are|must be"
        rf"|should be|may be|can be|has to be) (?:no longer|not|never)(?: to be| be)? (?:used|written to"
        rf"|contacted|mailed|texted|called|messaged)\b[^.!?\n]{{0,30}}(?:mailing|marketing|e-?mail|message"
        rf"|outreach|campaign|sales|contact|advert)|\b(?:you|u) (?:may|can|must|are) (?:not|no"
        rf" longer)(?: allowed to)? use (?:it|this|my|our|that|{_MINE})(?=$|[.!,;\n]| (?:number|address|name"
        rf"|e-?mail|data|contact|details)\b)|\b(?:strike|remove|drop|delete|take|block|exclude|blacklist"
        rf"|purge) (?:our|my|(?:the |our )?(?:whole|entire)) (?:\S{{3,60}} )?(?:domain|company"
        rf"|organi[sz]ation) (?:from|off|out of)\b"
    ),
    "threat-of-complaint": (
        r"\b(?:if|should) (?:i|we) (?:ever )?(?:see|get|receive|find|have)(?: even)? (?:one more|another"
        r"|any more|a single)\b[^.!?\n]{0,60}\b(?:regulator|report|complain|lawyer|attorney|legal|authorit"
        r"|police|spam|block|ico|ftc)|\btak(?:e|ing) (?:it|this|that) (?:up with|to) (?:the |a |my |our )?"
        r"(?:regulator|ombudsman|authorit|ico|ftc|police)"
    ),
    "off-the-list": (
        rf"\b(?:take|took|taken|taking|get|getting|pull|pulling|drop|dropped|dropping|scrub|cross|crossed|strike"
        rf"|struck|striking|kick|leave|keep|have|want|would like|put) (?:\w+ )?{_MINE}(?: \w+)? (?:off|out of"
        rf"|from)(?: of)?(?: (?:the|your|ur|this|that|these|those|any|all|whatever|every|it|here|please|pls|plz|ya"
        rf"|\w+s))?(?: (?:\w+ ){{0,3}}{_LIST}\b| please\b| pls\b| plz\b|(?=$|[.!?,;\n)]))"
    ),
    "remove-me": (
        rf"\b(?:remove|removing|delete|deleting|erase|erasing|wipe|purge|scrub|unlist|deregister|expunge|exclude"
        rf"|clear|destroy|scratch|block|blacklist) (?:\w+ ){{0,1}}{_MINE}(?! (?:manually|ourselves"
        rf"|myself))(?=(?: (?:\w+ ){{0,6}}{_LIST}\b| (?:immediately|now|please|pls|plz|asap|today|at once"
        rf"|permanently|forever|completely|thanks?|thank you|or)\b|(?: and [\w ]{{0,60}})?(?:$|[.!?,;:\n)])))"
    ),
    "remove-from-list": (
        r"(?:^|[.!?\n,] ?|\b(?:please|pls|plz|kindly|and|to|asking you to|can you|could you|would you"
        r"|will you) )(?:remove|delete|erase|take|unsubscribe|strike|drop|get) (?!(?:people|duplicates?|contacts"
        r"|leads|users|customers|them|subscribers|numbers)\b)(?:[\w@.+-]+ ){0,4}(?:from"
        r"|off)(?: of)? (?:\w+ ){0,3}(?:list|lists|data ?base|mailing|mailings|distribution|circulation|sequence"
        r"|cadence|campaigns?|newsletter|crm|records)\b|\b(?:be|been|get|getting|being|am|are|is|was|were"
        r"|have \w+ \w+) (?:removed|taken|deleted|erased|unsubscribed|struck|dropped) (?:from"
        r"|off)(?: of)? (?:\w+ ){0,3}(?:list|lists|data ?base|mailing|mailings|distribution|circulation|sequence"
        r"|cadence|campaigns?|newsletter|crm|records)\b"
    ),
    "delete-data": (
        r"\b(?:remove|delete|erase|wipe|purge|forget|destroy|scrub) (?:all |any |every )?(?:of )?(?:my|our"
        r"|the) (?:\w+ ){0,2}(?:data|number|details|info|information|address|e-?mail|contact|name|record|records"
        r"|profile|phone|cell|mobile)\b(?! (?:field|column|quality|import|in (?:hubspot|salesforce)))"
    ),
    "opt-out": (
        r"\b(?:opt (?:me|us|this number|my number|my e-?mail) out|(?:please|want to|wish to|like to|wanna"
        r"|id like to|going to|we|i|i hereby|hereby) opt(?: ?-?out| me out)\b(?! of (?:the|a|an|it)\b)|i(?:m"
        r"| am) opting out|opting out of (?:this|these|your|all|any)|opt[ -]?out (?:of (?:this|these|your|all|any)"
        r"|please|pls|now|request)|want out(?=$|[.!\n])|count (?:me|us) out of (?:these|your|any|the"
        r"|this) (?:\w+ )?(?:e-?mails?|texts?|messages?|list|mailings?))"
    ),
    "unsubscribe": (
        r"[:;] ?unsubscribe(?=$|[.!\n])|\bwhere (?:is|s) (?:the |your )?(?:unsubscribe|opt[ -]?out)"
        r"|\bno (?:unsubscribe|opt[ -]?out) (?:link|button|option)|\bhow (?:do|can|to|would) (?:i"
        r"|we)? ?(?:unsubscribe|get off (?:this|your|the)|stop (?:these|getting|receiving))|\bwant(?: to (?:be"
        r"|get))? off(?: (?:this|the|your|of)|$|[.!])|\b(?:ensure|make sure|want|wish|should|like"
        r"|see to it)\b[^.!?\n]{0,40}\b(?:not|never) (?:be |to be )?on (?:your|this|the|any) (?:\w+ )?(?:lists?"
        r"|data ?base|mailings?)\b|(?:^|[.!?\n] ?)(?:unsubscribe|unsub)\b(?! (?:rates?|links?|pages?|buttons?"
        r"|function|numbers|requests?|from (?:salesforce|hubspot)))|\b(?:please|pls|plz|kindly|to|must|just|you|me"
        r"|now|and|asking you to|like to be|want to be|be) (?:unsubscribe|unsubscribed|unsub)\b(?! (?:from (?:our"
        r"|my) (?:current|old|existing)|links?|rates?|customers|people|users|them))|\bunsubscribe (?:me|us|this|my"
        r"|our|from (?:this|your|these|all|any))\b"
    ),
    "spam-complaint": (
        r"\b(?:(?:will|gonna|going to|ill|am|im|be|was|were) (?:\w+ )?report(?:ing|ed)? (?:this|you|your|it(?=$"
        r"|[.!\n]))|reporting (?:it|this|you)(?=$|[.!\n])|counts as spam|(?:getting|get|be|been|are"
        r"|youre) (?:blocked|reported) and (?:blocked|reported)|(?:reported|reporting|reports?|flagged|flagging"
        r"|marked|marking|blocked|blocking)(?: \w+){0,5} (?:spam|junk|abuse|phishing|ftc|fcc|unsolicited|spammer"
        r"|spammers)|(?:reported|reporting|blocked|blocking) (?:you|this number|this account|this sender"
        r"|your (?:number|account|profile|domain|e-?mail))|(?:blocked and reported|reported and blocked"
        r"|reported yours?|yours just was)|(?:this is|its|thats|this|pure|just|more|nothing but|you are|youre|ur"
        r"|u r|are|stop(?: the)?|fucking|bloody|damn) (?:\w+ )?(?:spam|spamming|spammers?|junk mail"
        r"|unsolicited)(?! (?:folder|filter|box))\b|spam(?:ming)? (?:me|us)\b|(?:consider"
        r"|considered) (?:\w+ ){0,4}(?:spam|unsolicited)|unsolicited (?:\w+ ){0,2}(?:e-?mail|text|message"
        r"|marketing|contact|call|sms|advert|sales|commercial|spam|mail)\w*|report(?:ed"
        r"|ing)? (?:\w+ ){0,6}to (?:the |my |our |your )?(?:ftc|fcc|ico|bbb|carrier|provider|linkedin"
        r"|information commissioner|authorities|regulator|police|att?orney|isp|host|abuse|consumer protection"
        r"|data protection))"
    ),
    "legal-threat": (
        r"\b(?:cease (?:and|&) desist|cease (?:all|any|processing|using|contact\w*|communicat\w*)|(?:formal"
        r"|official|legal|final) (?:request|notice|warning) (?:under|to (?:cease|stop))|not ok(?:ay)? to (?:text"
        r"|call|e-?mail|message|contact)|(?:under|pursuant to) (?:the )?can-?spam|(?:sue|suing) you"
        r"|see you in court|take you to court|legal (?:action|proceedings|steps|consequences)|small claims|(?:file"
        r"|filing|lodge|lodging|submit|submitting|raise) an? (?:\w+ )?complaint|(?:make"
        r"|making) an? (?:\w+ )?complaint|(?:file|filing|lodge|submit) an? (?:\w+ )?report (?:with"
        r"|to) (?:the )?(?:regulator|ftc|fcc|ico|authorit\w+|police|bbb|carrier|commission\w*|data)|(?:lawyer"
        r"|attorney|solicitor|counsel|legal (?:team|department))s? (?:will|is going to|shall|would|are going to"
        r"|has been|have been) (?:be |soon be )?(?:in touch|contact\w*|hear|call\w*|writ\w*|su\w+|handl\w+"
        r"|notif\w*|informed|instructed)(?! (?:about|regarding|with) (?:the )?(?:contract|terms|nda|dpa|agreement"
        r"|redlines))|hear(?:ing)? from (?:my|our) (?:lawyer|attorney|solicitor|legal)|(?:forward|hand|pass|turn"
        r"|go|goes|going|send|sending|sent)\w* (?:\w+ ){0,8}(?:to|over to) (?:my |our |a |the )?(?:lawyer|attorney"
        r"|solicitor|(?:legal |general )?counsel|abuse desk|ftc|fcc|ico|regulator|authorities|attorney general"
        r"|police|data protection|information commissioner)s?(?! (?:first|for review|to review|to look|to sign"
        r"|before))|do not call (?:registry|register|list)|dnc (?:registry|list)|national do not call|(?:violat\w+"
        r"|breach\w*|breaking|against) (?:\w+ ){0,4}(?:tcpa|gdpr|can-?spam|casl|pecr|privacy law|the law"
        r"|federal law|do not call)|(?:this is |its |is )?(?:pure |plain |borderline )?harassment"
        r"|(?:illegal(?:ly)?|against the law) (?:to )?(?:text|contact|e-?mail|call|spam)\w*|(?:object"
        r"|objection) to (?:the |your |any |further )?(?:processing|use|marketing|direct marketing|storage)"
        r"|right to (?:erasure|be forgotten|object)|withdraw (?:my|our|any) consent|without my (?:consent"
        r"|permission)|never (?:gave|consented|opted|subscribed|signed up)(?=[^?]{0,120}(?:[.!]|$))|erase (?:it"
        r"|them|everything)\b)"
    ),
}
_GERMAN = {
    "de-no-more": (
        r"\b(?:keine|keinerlei|nicht|nie|niemals|bitte nicht)(?: \w+){0,4} (?:mehr|wieder|weiter|weiterhin"
        r"|langer)\b[^.!?\n]{0,40}?(?:e-?mails?|mails?|nachrichten?|sms|werbung|anrufe?n?|kontakt\w*|schreiben"
        r"|anschreiben|anrufen|belastig\w*|melden|zusenden|schicken|bekommen|erhalten|horen)|\b(?:schreib"
        r"|kontaktier|ruf|mail|send|schick|belastig|meld|nerv)\w*(?: sie)?(?: (?:mich|mir|uns|bitte|sich|hier"
        r"|unter|dieser|diese|nummer|bei)){1,5} (?:nicht|nie|keine)(?: \w+){0,2}(?: (?:mehr|wieder|weiter|an"
        r"|nachrichten|mails|e-mails|sms|werbung)\b|(?=$|[.!\n]))|\bkeine weiteren? (?:\w+ ){0,2}(?:e-?mails?"
        r"|mails?|nachrichten?|sms|anrufe|kontaktaufnahme\w*|werbung|anfragen|kontakte|mitteilungen)"
        r"|\bkeine (?:e-?mails?|mails|nachrichten|sms|werbung|anrufe)(?: \w+){0,3} (?:mehr|erwunscht|wunschen)?"
    ),
    "de-remove": (
        r"\b(?:aus|von) (?:(?:ihre[mrn]?|der|dem|eure[mrn]?|diese[mrn]?|deine[mr]|den"
        r"|allen) )?(?:\w+ )?(?:verteiler\w*|e-?mail-?liste|mailingliste|liste|listen|datenbank|adressliste|kartei"
        r"|newsletter)\b|\b(?:loschen|loscht|losche|entfernen|entferne|entfernt|streichen|streicht"
        r"|sperren) (?:sie )?(?:\w+ ){0,3}(?:meine|unsere|mich|uns|diese)(?: \w+){0,4}|\b(?:meine"
        r"|unsere) (?:\w+ ){0,2}(?:daten|nummer|adresse|e-?mail-?adresse"
        r"|kontaktdaten)(?: \w+){0,3} (?:zu )?(?:loschen|entfernen|sperren|streichen)|\b(?:melden"
        r"|tragen) sie (?:mich|uns)(?: \w+){0,4} (?:ab|aus)\b|\bmochte(?:n)? (?:mich|uns) (?:\w+ ){0,3}abmelden"
        r"|\bbitte (?:\w+ ){0,2}(?:abmelden|austragen|abbestellen)|\bnehmen sie (?:mich|uns) (?:\w+ ){0,2}(?:aus"
        r"|von|raus)"
    ),
    "de-complaint": (
        r"\bseh\w* (?:\w+ ){0,5}von (?:\w+ ){0,4}(?:nachrichten|e-?mails?|anrufen|kontakt\w*|werbung|zusendung\w*"
        r"|anfragen|anschreiben)\b|\bjede[rs]? weitere\w* (?:e-?mail|mail|nachricht|kontakt\w*|anruf)|(?:^"
        r"|[.!?\n] ?)(?:bitte )?abmelden(?: bitte)?(?=$|[.!\n])|\blass(?:en|t)? (?:sie )?(?:mich"
        r"|uns) (?:\w+ )?in (?:ruhe|frieden)|\b(?:widerspreche|widersprechen"
        r"|widerspruch)\b[^.!?\n]{0,60}(?:nutzung|verarbeitung|verwendung|werb|speicherung|daten|kontakt)"
        r"|\bhoren sie (?:\w+ ){0,2}auf\b|\bhor(?:t)? auf (?:mir|uns|mich)|\bunterlassen sie|\bunterlassung"
        r"|\babmahn\w*|\bbelastigung|\b(?:anwalt|rechtsanwalt)\w*\b[^.!?\n]{0,40}(?:melden|eingeschaltet"
        r"|einschalten|ubergeben|weiter)|\b(?:datenschutz(?:behorde|beauftragte\w*)|bundesnetzagentur"
        r"|verbraucherzentrale)\b[^.!?\n]{0,60}(?:meld|beschwer|anzeig|inform|wend)|\b(?:beschwere"
        r"|melde)\w*\b[^.!?\n]{0,60}(?:datenschutz|bundesnetzagentur|behorde|spam)|\bals spam gemeldet"
        r"|\b(?:das ist|reiner) spam\b|\bspam gemeldet"
    ),
}
_FRENCH = {
    "fr-no-more": (
        r"\b(?:ne |n)?(?:me|m|nous) ?(?:ecri(?:vez|s)|contacte[zr]?|envoye[zr]?|envoie|appele[zr]|appelle"
        r"|relance[zr]?|derange[zr]?|sollicite[zr]?|recontacte[zr]?|harcele[zr]?)(?: \w+)? (?:plus|jamais)\b"
        r"|\b(?:ne|de ne) (?:plus|jamais|pas) (?:me|nous|m|etre|recevoir|vouloir)? ?(?:\w+ )?(?:contacte\w*|ecrire"
        r"|envoyer|appeler|relancer|deranger|solliciter|sollicitee?s?|recevoir|recontacter)|\b(?:ne "
        r"|n)(?:souhait\w+|veu\w+|voul\w+|desir\w+) (?:plus|pas) (?:\w+ ){0,3}(?:recevoir|etre contacte\w*"
        r"|etre sollicite\w*|de messages?|de vos|de mails?|de sms|vos)|\bplus (?:aucun|de"
        r"|jamais de) (?:\w+ )?(?:messages?|mails?|e-?mails?|sms|sollicitations?|courriels?|appels?|publicites?)\b"
        r"|\bne me (?:contactez|ecrivez|sollicitez|appelez) pas(?=$|[.!\n])"
    ),
    "fr-stop": (
        r"\b(?:arrete[zr]?|cesse[zr]?|stop(?:pez)?) (?:immediatement |tout de suite |svp |de |d|avec |a |vos |ces "
        r"|tout|les |votre )+\w*|\barretez(?=$|[.!,\n])|\blaissez[- ](?:moi|nous) (?:\w+ )?(?:tranquille|en paix)"
        r"|\bfichez[- ]moi la paix|\bfoutez[- ]moi la paix"
    ),
    "fr-remove": (
        r"\b(?:retire[zr]?|supprime[zr]?|enleve[zr]?|efface[zr]?|raye[zr]?|radie[zr]?|sortez|otez|desinscri\w*"
        r"|desabonn\w*)(?:[- ](?:moi|nous|me|mes|mon|ma|nos|notre|immediatement|l|merci|de|le|cette|toutes"
        r"|les)){0,5}[- ](?:\w+ ){0,4}?(?:listes?|bases?|fichiers?|coordonnees|adresse|numero|donnees|diffusion"
        r"|newsletter|mailing|contact)\b|\b(?:me|nous|m|moi) (?:desabonn\w*|desinscri\w*)|\b(?:desabonnez"
        r"|desinscrivez|desinscris|retirez|supprimez|enlevez|rayez)[- ](?:moi|nous)\b|\bcnil\b"
        r"|\bdroit d(?: )?opposition|\bsignale\w* (?:comme|en tant que) (?:spam|indesirable)|\bc ?est du (?:spam"
        r"|harcelement)|\bharcelement\b"
    ),
}
_SPANISH = {
    "es-stop": (
        r"\b(?:deje|dejen|deja|dejad|dejar|paren|pare|parad|para) (?:ya )?de (?:\w+ )?(?:escrib|envi|mand|llam"
        r"|contact|molest|spam|acos|insist)\w*|\bno (?:me|nos) (?:vuelv\w+|volv\w+) a\b|\bno (?:vuelv\w+"
        r"|volv\w+) a (?:\w+ )?(?:escrib|contact|llam|mand|envi|molest)\w*|\bno (?:me|nos) (?:escrib|contact|llam"
        r"|mand|envi|molest|busqu)\w*(?: \w+){0,3} (?:mas|nunca|jamas)\b|\bno (?:me|nos) (?:escrib|contact|mand"
        r"|envi|molest)\w*(?=$|[.!\n])|\bno (?:quiero|deseo|queremos|deseamos|quisiera)(?: \w+){0,2} (?:recib"
        r"|que me|que nos|mensaj|corre|sab)\w*|\bno mas (?:mensajes|correos|llamadas|e-?mails|sms)|\bdej(?:e|en"
        r"|a)(?:me|nos|nme) en paz|\bdejame en paz|\bdejenme (?:en paz|tranquil\w)"
    ),
    "es-remove": (
        r"\b(?:den|denos|deme|dame|denme|darme|darnos|dar|de|quiero darme"
        r"|solicito)(?: \w+){0,2} (?:de )?baja\b(?! medica| laboral| por (?:maternidad|enfermedad|accidente)"
        r"| maternal)|\bdarse de baja|\b(?:quit|elimin|borr|saqu|remuev|remov|suprim"
        r"|retir)\w*(?: \w+){0,5} (?:lista|listas|base|datos|numero|correo|contacto|contactos|direccion"
        r"|registros)\b|\b(?:borrenme|saquenme|saqueme|quitenme|quiteme|eliminenme|elimineme|borreme|quitame"
        r"|sacame|borrame|eliminame)\b|\b(?:denunci|report)(?:are|aremos|ado|arlos|arlo|ar|o|ando)\b"
        r"|\bproteccion de datos\b[^.!?\n]{0,60}(?:denunci|reclam)|\besto es (?:spam|acoso)|\bes spam\b"
    ),
}
_PORTUGUESE = {
    "pt-stop": (
        r"\b(?:pare|parem|para|deixe|deixem|parar)(?: \w+)? de (?:me |nos )?(?:envi|mand|escrev|lig|contat|contact"
        r"|incomod|perturb|mandar)\w*|\bnao (?:me |nos )?(?:mand|envi|escrev|contat|contact|lig|perturb|incomod"
        r"|procur)\w*(?: \w+){0,3} mais\b|\bnao (?:quero|desejo|queremos|desejamos"
        r"|gostaria de)(?: \w+){0,2} (?:receb|ser contat|ser contact|mensag|contat|e-?mail)\w*|\bnao (?:me "
        r"|nos )?(?:contat|contact|perturb|incomod)\w*(?=$|[.!\n])|\b(?:me|nos) deix\w* em paz"
        r"|\bdeixe?m?-me em paz|\bchega de (?:mensag|e-?mail|spam)\w*"
    ),
    "pt-remove": (
        r"\b(?:remov|retir|tir|exclu|apagu?|delet|descadastr)\w*(?:-?(?:me|nos))?(?: \w+){0,5} (?:lista|listas"
        r"|base|dados|numero|contato|contatos|cadastro|contacto|contactos|e-?mail)\b|\bme (?:tire|tira|retire"
        r"|remova|exclua|descadastre|apague)\b|\b(?:tire|retire|remova|exclua)-me\b|\bdescadastr\w+"
        r"|\bcancel\w* (?:a |minha |a minha )?(?:inscricao|assinatura|subscricao)|\b(?:vou|irei) denunciar"
        r"|\bdenunciado como spam|\blgpd\b[^.!?\n]{0,60}(?:denunci|exclu|apag|remov)"
    ),
}
_ITALIAN = {
    "it-stop": (
        r"\bnon (?:scriv|contatt|chiam|mand|invi|disturb|cerc)\w*(?:mi|ci|temi|teci)(?: \w+){0,2} (?:piu|mai)\b"
        r"|\bnon (?:mi|ci|vogliate|voglia|dovete|deve)(?: \w+)? ?(?:scriv|contatt|ricontatt|chiam|richiam|mand"
        r"|invi|disturb|import|cerc)\w*(?: \w+){0,3} (?:piu|mai|oltre|ancora)\b|\bnon (?:mi|ci) (?:contatt|disturb"
        r"|scriv)\w*(?=$|[.!\n])|\b(?:smett|smettet|smetta|finit|piantat|basta)\w*(?: (?:di|con|con i|con le"
        r"|mandar|inviar|per favore|subito)){0,3} ?(?:scriv|mand|invi|contatt|chiam|messagg|mail|e-?mail|disturb"
        r"|sms|spam)\w*|\bnon (?:voglio|vogliamo|desidero|desideriamo|intendo)(?: piu| altri| altre"
        r"| ulteriori)* (?:ricev|esser|messagg|mail|comunic|e-?mail)\w*|\b(?:lasciatemi|lasciateci|lasciami"
        r"|mi lasci)(?: \w+)? (?:in pace|stare)"
    ),
    "it-remove": (
        r"\b(?:cancell|rimuov|togl|tolg|elimin)\w*(?: \w+){0,5} (?:lista|liste|elenco|mailing|database|dati|numero"
        r"|indirizzo|contatti|contatto|rubrica|nominativo|archivi|archivio)\b|\b(?:cancellatemi|cancellateci"
        r"|toglietemi|toglieteci|rimuovetemi|rimuoveteci|mi tolga|mi cancelli|mi rimuova|eliminatemi|cancellami"
        r"|toglimi|rimuovimi|disiscrivetemi|disiscrivermi|disiscriv\w+)\b|\bgarante (?:della |per la )?(?:privacy"
        r"|protezione)|\bsegnalat\w+ (?:come|al|per) (?:spam|garante)|\bquesto e spam"
    ),
}
_DUTCH = {
    "nl-stop": (
        r"\b(?:stuur|stuurt|sturen|bel|belt|bellen|mail|mailt|mailen|app|appen|benader|benaderen|contacteer"
        r"|contacteren|schrijf|schrijven|sms|sms'en|verstuur|neem)\b(?: (?:me|mij|ons|mij dan|dan|alsjeblieft|aub"
        r"|svp|a\.u\.b\.|gerust|dit|naar|hier))*(?: \w+)? (?:niet|geen|nooit)(?: \w+){0,3} (?:meer|weer|op)\b"
        r"|\b(?:niet|nooit) meer (?:te )?(?:mailen|bellen|contacteren|benaderen|appen|schrijven|sturen|lastig"
        r"|storen|op)|\bgeen (?:verdere |nieuwe )?(?:berichten|mails?|mailtjes|e-?mails?|sms\w*|reclame|contact"
        r"|telefoontjes)(?: \w+){0,3} (?:meer|sturen|ontvangen|toe)|\b(?:wil|willen|wens"
        r"|wensen)(?: \w+){0,2} (?:geen|niet)(?: \w+){0,4} (?:meer|ontvangen|benaderd|gemaild|gebeld)\b"
        r"|\bstop(?:pen)? (?:met|ermee|hiermee|aub|alsjeblieft)\b(?: \w+)*|\bhoud(?:en)? (?:u |hier)?mee op\b"
        r"|\b(?:laat|laten) (?:me|mij|ons) (?:met|aub met) rust|\bval (?:me|mij|ons) niet (?:\w+ )?lastig"
    ),
    "nl-remove": (
        r"\b(?:me|mij|ons|mijn \w+|onze \w+)(?: \w+){0,2} (?:van|uit) (?:de|jullie|uw|deze|je|dit|het) \w*(?:lijst"
        r"|bestand|mailing)\w*|\b(?:haal|haalt|verwijder|verwijdert|schrap|gooi|wis|schrijf|meld)(?: (?:me|mij|ons"
        r"|mijn|onze|dit|deze|u|alle))(?: \w+){0,5} (?:uit|van|lijst|bestand|bestanden|gegevens|nummer|adres"
        r"|e-?mailadres|mailinglijst|af)\b|\bverwijder(?:en)? (?:van|uit) (?:de|uw|jullie|deze) \w*(?:lijst"
        r"|bestand)|\bverwijder (?:mijn|onze) (?:gegevens|adres|nummer|mail|e-?mail)\w*|\b(?:uitschrijven"
        r"|afmelden)(?: (?:graag|aub|alstublieft|svp))?(?=$|[.!\n])|\b(?:graag|wil(?: me)?|wens"
        r"|me) (?:\w+ ){0,2}(?:uitschrijven|afmelden)|\bautoriteit persoonsgegevens|\b(?:gemeld"
        r"|gerapporteerd) als spam|\bdit is spam"
    ),
}
_POLISH = {
    "pl-stop": (
        r"\bniekontaktowani\w+|\bo zaprzestanie\b|\bprosz\w* (?:o |by )?(?:\w+ )?niekontakt\w*|\b(?:prosze "
        r"|prosimy )?(?:do mnie |do nas )?nie (?:pisz\w*|pisac|dzwon\w*|wysyla\w*|kontaktow\w*|przysyla\w*"
        r"|nekaj\w*|kontaktuj\w*|wydzwaniaj\w*)(?: (?:do|mnie|nas|mi|nam|sie|ze|mna|na|ten|adres|numer|tu|tutaj"
        r"|zadnych|wiadomosci|maili|smsow|ofert|reklam))*(?: (?:wiecej|juz|ponownie|nigdy)| (?:do mnie|do nas"
        r"|ze mna)|(?=$|[.!\n]))|\bnie zycz\w+ (?:sobie|my sobie)?|\bnie chc\w+(?: \w+){0,3} (?:otrzymyw|dostaw"
        r"|wiadomosci|maili|smsow|kontaktu|reklam)\w*|\b(?:wiecej|juz) (?:do mnie |do nas )?nie (?:pisz|dzwon"
        r"|wysyl|kontakt)\w*|\b(?:dajcie|daj|prosze dac) (?:mi|nam) (?:\w+ )?spokoj|\bprzestan\w* (?:\w+ )?(?:pis"
        r"|wysyl|dzwon|spam|nek)\w*"
    ),
    "pl-remove": (
        r"\b(?:usun|usunac|usuniecie|wypis|wypisac|wypisanie|skresl|wykresl|wykreslenie|wyrejestr"
        r"|usuwac)\w*(?: \w+){0,6} (?:list\w*|baz\w*|adres\w*|dan(?:e|ych)|numer\w*|newsletter\w*|mailing\w*"
        r"|kontakt\w*|bazy)|\b(?:wypisz|wypiszcie|usuncie|usun|skreslcie) (?:mnie|nas)|\brezygnuj\w* z"
        r"|\bsprzeciw\w*\b[^.!?\n]{0,40}(?:przetwarz|dan)|\b(?:zglosze|zglaszam|zgloszone)\b[^.!?\n]{0,40}(?:uodo"
        r"|spam|rodo|urzed)|\bto (?:jest )?spam\b"
    ),
}
_NORDIC = {
    "nordic-stop": (
        r"\b(?:ikke|inte|ej) (?:kontakt|skriv|ring|send|mail|mejl|sms)\w* (?:meg|mig|oss|os|til|til meg)\b"
        r"|\b(?:sluta|slutt|slut|stopp|stopa|stop|hold op|lad vaere|la vaere|upphor)(?: (?:med|att|at|a|omedelbart"
        r"|genast|nu|venligst|vaer sa snill))* (?:hora av|skicka|skicke|kontakta|mejla|maila|ringa|smsa|messa"
        r"|sende|send|kontakte|ringe|maile|skrive|skriva|spamma|spamme|texta|tekste|mase|stora|plage|denne|dette"
        r"|detta|meldinger|sms|mail|utskick)\w*|\b(?:kontakta|mejla|maila|skriv|ring|smsa|sms|messa|kontakt|send"
        r"|skicka|stor|forstyrr|spam)\b(?: (?:mig|meg|oss|os|ikke|inte|aldrig|aldri|ej|venligst|flere|fler|till"
        r"|til|mer))*? (?:inte|ikke|ej|aldri|aldrig)(?: (?:mig|meg|oss|os|fler|flere|noe|nagra"
        r"|noen))?(?: \w+)? ?(?:mer|mera|igen|igjen|mere|lenger|langre|meldinger|mail|mejl|sms|beskeder"
        r"|meddelanden)\b|\b(?:kontakt|kontakta|send|skicka|skriv) (?:ikke|inte|aldri|aldrig) (?:meg|mig|oss|os"
        r"|til)(?: \w+){0,2} (?:igjen|igen|mer|mere|mera|langre|lenger)\b|\b(?:inga|ingen|ikke"
        r"|inte)(?: \w+)? (?:fler|flera|flere) (?:meldinger|mail|mejl|sms|beskeder|meddelanden|utskick"
        r"|henvendelser|e-?post\w*|samtal)|\b(?:vill|onsker|onskar|ensker|vil|ber om a)(?: \w+)? (?:inte|ikke"
        r"|ej)(?: \w+){0,4} (?:fler|flere|mer|mere|kontaktad|kontaktet|kontaktes|bli kontaktet|blive kontaktet"
        r"|motta|modtage|ha|fa)\b[^.!?\n]{0,30}(?:mail|mejl|sms|meldinger|beskeder|meddelanden|kontaktad|kontaktet"
        r"|utskick|reklam|henvendelser|dere|er|jer|dig)|\b(?:lamna|la|lad) (?:mig|meg|oss|os)(?: \w+)? (?:i fred"
        r"|ifred|vaere i fred)"
    ),
    "nordic-remove": (
        r"\b(?:ta bort|fjern|slett|slet|radera|stryk|ta|tag|avregistrer|avprenumerer|avmeld|afmeld"
        r"|avanmal|framelda|frameld)\w* (?:mig|meg|oss|os|min|mitt|mina|mine|vart|var|vores|denne|detta|dette"
        r"|venligst mig)\b(?: \w+){0,6}?(?: (?:lista\w*|liste\w*|listan|listen|register|registret|utskick\w*"
        r"|uppgifter|adress\w*|adresse\w*|nummer|numret|opplysninger|oplysninger|data|mail\w*|mejl\w*|database\w*"
        r"|e-?post\w*|navn)|(?=$|[.,!\n]))|\b(?:vill|vil|onsker|onskar) (?:\w+ ){0,2}(?:avregistrer|avmeld|afmeld"
        r"|avanmal|avprenumerer|frameld)\w*|\b(?:datatilsynet|integritetsskyddsmyndigheten|imy)\b|\b(?:anmaler"
        r"|anmelder|anmalt|anmeldt|rapporterat|rapporteret)\b[^.!?\n]{0,30}(?:spam|datatilsynet)|\bdet (?:ar"
        r"|er) spam\b|\b(?:lopeta|lopettakaa)\b|\b(?:poista|poistakaa) (?:minu|tieto|numero|sahko|yhteys)\w*"
        r"|\bala(?:a|kaa)? (?:enaa )?(?:laheta|lahettako|ota|soita|ottako)\w*"
    ),
}
_RULES = tuple(
    (name, Phrases(pattern))
    for language in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _PORTUGUESE, _ITALIAN, _DUTCH, _POLISH, _NORDIC)
    for name, pattern in language.items()
)


def find_opt_out(text: str, subject: str = "") -> str | None:
    """The name of the rule that heard a wish for silence, or None.

    >>> find_opt_out("STOP"), find_opt_out("sure, stop by on Tuesday")
    ('keyword', None)
    """
    folded = fold(text)
    if _is_keyword_message(folded) or _shouts_keyword_first(text):
        return "keyword"
    if _words(fold(subject)) in _PLAIN_KEYWORDS and len(folded) < 400:
        return "keyword-subject"
    return next((name for name, pattern in _RULES if pattern.search(folded)), None)


def _words(folded: str) -> str:
    letters = _NOT_LETTERS.sub(" ", _SPACED.sub(lambda match: re.sub(r"[ .\-_]", "", match.group()), folded))
    return " ".join(letters.split()).strip("- ")


def _is_keyword_message(folded: str) -> bool:
    """The whole message is a keyword; or its first line, above a signature; or a plain keyword as first sentence."""
    if len(folded) <= _LONGEST_KEYWORD_MESSAGE and _is_keyword(_words(folded)):
        return True
    first, _, rest = folded.partition("\n")
    lines = [line for line in rest.split("\n", 12) if line.strip()]
    if len(first) <= _LONGEST_KEYWORD_MESSAGE and lines and _is_keyword(_words(first)):
        return all(len(line.split()) <= _SIGNATURE_LINE_WORDS for line in lines)
    sentence, mark, _ = re.split(r"([.!;:,\n]|$)", folded, maxsplit=1)[:3]
    return bool(mark) and (mark != "," or " " in sentence.strip()) and _words(sentence) in _PLAIN_KEYWORDS


def _shouts_keyword_first(text: str) -> bool:
    """`STOP` in capitals before anything else, or alone on the first line: not `STOP by`, not an all-capitals text."""
    first_line = text.strip().partition("\n")[0].strip()
    if _SHOUTED_LINE.fullmatch(first_line):
        return True
    return bool(_SHOUTED_WORD.match(text)) and not text.isupper()


def _is_keyword(words: str) -> bool:
    repeated = set(words.split())
    return words in _KEYWORDS or (len(repeated) == 1 and repeated <= _PLAIN_KEYWORDS)
