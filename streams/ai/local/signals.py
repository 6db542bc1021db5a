"""Hand-made signals of what a reply wants, given what it answers: `yes` means what was asked.

Each signal is 1.0 or 0.0 (or a small count scaled to 1). Patterns read folded text. They name kinds of wording in
the languages we write to, not sentences; the model weighs them.
"""

import re
from collections.abc import Iterator, Sequence

from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold
from streams.ai.rules.phone import find_phone
from streams.ai.rules.reply import Reply, Turn

_TIME = (
    r"\b(?:mon|tues?|wed|thu|thurs?|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|lundi|mardi|mercredi|jeudi|vendredi|lunes|martes|miercoles"
    r"|jueves|viernes|quinta|terca|sexta|lunedi|martedi|mercoledi|giovedi|venerdi|maandag|dinsdag|woensdag"
    r"|donderdag|vrijdag|wtorek|sroda|czwartek|piatek|mandag|tisdag|tirsdag|onsdag|torsdag|fredag"
    r"|today|tonight|tomorrow|tmrw|heute|demain|manana|amanha|domani|imorgon|imorgen|jutro)\b"
    r"|\b\d{1,2}(?:[:.h]\d\d)|\b\d{1,2} ?(?:am|pm|uhr|uur|h)\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:at|um|om|kl"
    r"|alle|a las|as) \d{1,2}\b"
)
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr"
    r"|jun|jul|aug|sept?|oct|nov|dec|januar|februar|marz|mai|juni|juli|oktober|dezember|janvier|fevrier|mars"
    r"|avril|juin|juillet|aout|septembre|octobre|novembre|decembre|enero|febrero|marzo|abril|mayo|junio|julio"
    r"|agosto|septiembre|octubre|noviembre|diciembre|janeiro|fevereiro|marco|maio|junho|julho|setembro|outubro"
    r"|dezembro|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|januari|februari|maart"
    r"|mei|augustus|stycz\w+|lut\w+|marc\w+|kwie\w+|maj\w*|czerw\w+|lip\w+|sierp\w+|wrze\w+|pazdz\w+|listop\w+"
    r"|grud\w+)"
)
_SEASON = (
    r"(?:spring|summer|autumn|fall|winter|new year|christmas|xmas|holidays?|easter|thanksgiving|labor day"
    r"|black friday|quarter|q[1-4]|year|semester|term|season|harvest|fruhjahr|fruhling|sommer|herbst|winter"
    r"|quartal|ostern|weihnachten|printemps|ete|automne|hiver|rentree|noel|trimestre|saison|primavera|verano"
    r"|otono|invierno|navidad|ano|verao|natal|estate|autunno|inverno|anno|voorjaar|zomer|najaar|kwartaal"
    r"|wiosn\w+|lat[oaem]+|jesien\w*|zim\w+|kwarta\w+|sommaren|sommer|host\w*|varen|jul|kvartal\w*)"
)

_REPLY_PATTERNS = {
    "time": _TIME,
    "month_or_season": rf"\b(?:{_MONTH}|{_SEASON})\b",
    "vague_span": (
        r"\b(?:next|in a|in two|in \d|couple(?: of)?|few|coming|naechst\w+|nachst\w+|proch\w+|proxim\w+|prossim\w+"
        r"|volgend\w*|przyszl\w+|nasta|neste|naeste) (?:couple(?: of)? |few )?(?:days?|weeks?|months?|quarters?"
        r"|years?|woche\w*|monat\w*|jahr\w*|quartal|semaines?|mois|annee|semanas?|mes(?:es)?|ano|settiman\w+"
        r"|mes[ei]|anno|week|weken|maand\w*|jaar|tydz\w+|miesia\w+|vecka|veckor|manad\w*|uke|uker|maned\w*|uge)\b"
    ),
    "later": (
        r"\b(?:later|some other time|another time|not (?:right )?now|not yet|not today|not this (?:year|month"
        r"|quarter|week)|bad time|wrong (?:time|month|season|moment)|too early|too soon|busy|swamped|slammed"
        r"|flat out|tied up|hectic|crazy (?:week|month|time)|in the middle of|mid[- ]\w+|spater|momentan|gerade"
        r"|derzeit|plus tard|pas maintenant|en ce moment|ahora no|mas tarde|mas adelante|luego|agora nao"
        r"|mais tarde|depois|piu tardi|non ora|adesso|nu even|niet nu|later|druk|pozniej|nie teraz|obecnie|senare"
        r"|inte (?:just )?nu|ikke na|senere|akkurat na)\b"
    ),
    "recontact": (
        r"\b(?:remind me|give me a shout|nearer the time|drop you a line|stay in touch|keep (?:me|us) posted"
        r"|keep in touch|park (?:this|it)|on ice|on hold|has to wait|(?:can|could) (?:it|this) wait"
        r"|hold that thought|leave it with me|more (?:next|from me)|raise it|ask (?:me )?again|hear from you"
        r"|reopen|resume|bear with me|hold off|hang on|give it (?:a|until|some)|in due course|for the moment"
        r"|write again|point (?:her|him|them) your way|another few|not until|not before|nothing (?:can )?(?:move"
        r"|until)|halfway through|between \w+ managers|next (?:budget|cycle|season|year)|low season"
        r"|ball is in my court)\b|\b(?:circle back|check (?:back|in)|check with me|follow ?up|reach (?:back )?out"
        r"|touch base|get (?:back )?in touch|get back|come back|(?:try|ask|ping|hit|bug|remind|text|write|email"
        r"|contact|message|nudge|poke|approach|talk to|catch|find|revisit|reconnect|revert|reply) (?:me|us|it"
        r"|this)?(?: up)?(?: again| then| later| back| in| after| when| around| once| next)?|pick this up|hmu"
        r"|hit me up|speak (?:then|after)|talk (?:then|after|later)|let you know|report back|i(?:ll| will"
        r"| shall) (?:\w+ )?(?:get|come|be|reply|write|respond|answer|return|let|look|read|check|report|reach)"
        r"|melden sie sich|melde mich|komme (?:dann )?auf sie zu|revenez|recontactez|reviens vers"
        r"|je vous (?:reponds|ecris|recontacte)|escribame|le digo|contacteme|busqueme|me procur\w+|retorno"
        r"|ci risentiamo|mi ricontatti|le faccio sapere|kom (?:er )?(?:\w+ )?op terug|laat (?:het )?(?:u "
        r"|je )?weten|proszę|odezw\w+|wroce|hor av (?:dig|er)|aterkommer|svarar sen|kommer tilbake|ta kontakt)\b"
    ),
    "after_event": (
        r"\b(?:after|once|when|until|till|til|before|following|as soon as|nach|sobald|erst|bis|ab|apres|des que"
        r"|jusqu|avant|despues de|cuando|hasta|antes de|depois d\w|quando|ate|dopo|finche|na de|nadat|zodra|tot|po"
        r"|gdy|kiedy|efter|nar|innan|etter|for)\b"
    ),
    "think": (
        r"\b(?:think (?:about|on|it)|mull|sleep on|talk (?:to|with) (?:my|the|our)|speak (?:to|with) (?:my|the"
        r"|our)|run (?:it|this) (?:by|past)|discuss (?:it|this)? ?(?:with|internally)|bring (?:it|this) up"
        r"|on the agenda|check with|need (?:a bit )?more time|give me (?:a|until|some|two|three|\d)|klaren"
        r"|besprechen|uberlegen|en parler|reflechir|consult\w+|pensar\w*|hablar(?:lo)? con|falar com|parlarne"
        r"|overleg\w*|zastanow\w*|ta opp med|prata med|snakke med|fundera)\b"
    ),
    "will_read": (
        r"\b(?:will answer|will get back|get back (?:2|to) (?:u|you)|txt me|text me (?:wed|thu|fri|mon|tue|tom)"
        r"|on the (?:road|motorway|move)|short on time|in a (?:mtg|mtng)|cant talk|saw it,? havent|havent had (?:a"
        r"|time)|tonite|asap)\b|\b(?:(?:will|ill|gonna|going to|let me) (?:\w+ )?(?:look|read|check|review"
        r"|have a look|take a look|go through|have a read)|tonight|this weekend|over the weekend|tomorrow|driving"
        r"|at work|in a meeting|on a job|up a ladder|with a (?:patient|client|customer)|on call|en rdv|en reunion"
        r"|manejando|in riunione|sitter i mote)\b"
    ),
    "negation": (
        r"\b(?:no|not|dont|doesnt|wont|cant|cannot|isnt|arent|never|none|nothing|nope|nah|neither|nor|without|nein"
        r"|nicht|kein\w*|nie|non|ne|pas|aucun\w*|jamais|rien|sin|nunca|nada|nao|nem|mai|niente|nessun\w*|niet|geen"
        r"|nooit|nee|nie|inte|ingen|inga|ikke|ingenting|nej|nei|ei)\b"
    ),
    "starts_no": (
        r"^(?:no+\b(?! problem| worries|w)|nah+|nope|nein|nee|nej|nei|nie\b|non\b|nao\b|negative|hard (?:no|pass)"
        r"|not (?:interested|for|a fit|us|really|looking|needed|our|at this)|pass\b|thanks,? but|thank you,? but"
        r"|i(?:ll| will)? (?:pass|decline)|we(?:re| are) (?:good|fine|all set|happy|not)|im (?:good|ok|fine"
        r"|all set|not)|kein|no gracias|non merci|no grazie|bedankt,? maar|danke,? aber)"
    ),
    "declines": (
        r"\b(?:content (?:as we are|with)|sorted|covered|leave it there|(?:ill|well) leave it|rather (?:keep|not"
        r"|do)|no plans?|no wish|(?:isnt|not) a (?:concern|problem|priority|need)|none (?:whatsoever|at all)"
        r"|not worth|end of story|done with|not doing|nothing would|do(?:nt| not) (?:really )?(?:see (?:a|the"
        r"|any) (?:need|use|fit)|bother)|no use for|not for (?:sale|now or ever)|not going to (?:happen|do|buy)"
        r"|wrong kind of|not (?:on our|in our) (?:radar|plans)|well (?:keep|stick|manage)|weve decided|keine plane"
        r"|brauchen wir nicht|sans facon|no nos hace falta|nao obrigado|non ne abbiamo bisogno|hoeft niet"
        r"|nie trzeba)\b|\b(?:not interested|no interest|uninterested|not (?:for|something for) (?:us|me)|(?:isnt"
        r"|is not|not) (?:a (?:good )?(?:fit|match|priority)|something we|relevant|for us|for me|needed|required"
        r"|necessary)|no (?:need|thanks|thank you|thx|ty)|(?:dont|do not|doesnt|didnt|wont|not) (?:need|require"
        r"|want|wish|use|have a need|see a need|plan|intend|claim|care)|wont be (?:moving|going|proceeding"
        r"|pursuing|needing)|not (?:be )?(?:moving forward|proceeding|going ahead|pursuing|buying|changing|looking"
        r"|needing|taking)|(?:hard |going to |gonna |ill |i will |well )?(?:pass|decline)(?: on)?\b"
        r"|decided (?:against|not)|voted against|chose(?:n)? (?:someone|another|a different)|stick(?:ing)? with"
        r"|stay(?:ing)? with|all set|im good|were good|were fine|were all good|happy with (?:what|our|how|paper"
        r"|it)|count me out|changed my mind|kein (?:interesse|bedarf)|nicht interessiert"
        r"|nicht (?:weiter )?verfolgen|pas interesse|(?:ne )?donn\w+ pas suite|pas besoin|concerne pas|no (?:me"
        r"|nos) interesa|no estamos interesad|no necesit|nao (?:temos|tenho) interesse|nao precis|non (?:mi"
        r"|ci) interessa|non siamo interessati|non fa per|geen (?:interesse|behoefte)|niet geinteresseerd"
        r"|niet mee verder|nie (?:jestesmy|jestem) zainteres|nie potrzeb|inte intressera|inget for"
        r"|ikke interessert|ikke interesseret|ikke behov|dont bother)\b"
    ),
    "moot": (
        r"\b(?:scrapped|folded|liquidation|insolven\w+|bankrupt\w*|stopped (?:doing|running|offering)|gave (?:it "
        r"|that )?up|no longer in (?:that|this|the)|changed (?:careers|jobs|business)|merged|acquired"
        r"|cancelled the (?:project|programme)|teach \w+ now|im a \w+ now)\b|\b(?:sold|closed (?:the|our|down"
        r"|for good)|closing (?:the|our|down)|shut(?:ting)? down|retire\w*|winding|went out of|out of business"
        r"|no longer (?:have|own|in|run|do|a)|moved on|left (?:the|that|hr)|not (?:selling|doing"
        r"|in) (?:\w+ )?any ?more|dont (?:own|have|run|do) (?:\w+ )?any ?more|verkauft|geschlossen"
        r"|nicht mehr (?:aktuell|relevant)|vendu|ferme|vendimos|cerram\w+|vendemos|fechamos|venduto|chiuso"
        r"|verkocht|gestopt|sprzeda\w+|zamkn\w+|salt|lagt ner|solgt|lagt ned|stopped the)\b"
    ),
    "already_have": (
        r"\b(?:tied (?:in|to|into)|locked into|in year (?:one|two|three)|year \w+ of|swears by"
        r"|happy with our (?:current|present)|brother in law|have (?:someone|somebody|people|a guy|a person|a team"
        r"|two|three)|hired|takes? (?:their|the) cut|ourselves|inhouse|by hand|full-time|our own|we pay for"
        r"|with another|long-term|wife does|weve got|we ve got)\b|\b(?:already|currently|just|we(?:ve)?|i(?:ve)?"
        r"|got|have) (?:\w+ )?(?:use|using|have|has|got|gets?|work(?:ing)? with|pay(?:ing)?|do(?:ing)?|signed"
        r"|rolled out|built|wrote|covered|contract|contracted|vendor|provider|system|agency|partner)\b"
        r"|\b(?:in-?house|internally|existing (?:provider|vendor|contract|system)|(?:my"
        r"|our) (?:\w+ )?(?:bookkeeper|accountant|agency|nephew|cousin|wife|guy|provider|vendor|supplier|team"
        r"|staff|broker) (?:does|do|handles?|already|takes)|locked in|year (?:deal|contract)|bereits|schon"
        r"|langfristig|deja|ya (?:tenemos|usamos|trabajamos|contamos)|ja (?:temos|usamos|tivemos)|abbiamo gia"
        r"|gia un|hebben al|al een|mamy juz|juz mamy|har redan|har allerede|redan)\b"
    ),
    "price_worry": (
        r"\b(?:too (?:expensive|pricey|much|costly|steep|dear)|expensive|pricey|steep|cost(?:s|ly)? (?:us|more|too"
        r"|alone)|cant (?:afford|justify|be doing)|cannot afford|afford|(?:no|out of|low|zero|tight|frozen|freeze"
        r"|capped|new|any) (?:\w+ )?(?:budget|spend|money|vendors?)|budget(?:s)? (?:is|are|was|freeze|cap|line)"
        r"|(?:hiring|spending) freeze|another (?:\w+ )?(?:fee|subscription|tool|system|bill|app|login)|justify"
        r"|free|rip ?off|crazy high|teuer|kostspielig|zu viel|cher|chere|budget|presupuesto|caro|cara|carissimo"
        r"|costoso|duur|te veel|drog\w*|za drogie|dyrt|dyr|kostar for)\b"
    ),
    "distrust": (
        r"\b(?:uneasy|wont fly|never again|small print|junk|dearer|cheapskates?|insult|margins|punish\w*|peeled"
        r"|see (?:the|a|much) point|not convinced|cant see|hardly|issue i have|bit rich|blood|strangers|tears"
        r"|swear|snake oil|gimmick|hype|unproven|guarantee|prove it|skeptical|sounds like a lot|sounds complicated"
        r"|no time to learn|too (?:complicated|complex|good|big|small|risky|slow|long|many)|overkill|only (?:work"
        r"|works) for|reluctant|not a fan|dealbreaker|worked out)\b|\b(?:burned|burnt|scam\w*|spammy|skeptic\w*"
        r"|sceptic\w*|doubt|worr(?:y|ied|ies)|concern(?:ed|s)?|nervous|afraid|fear|trust|believe|too good|catch"
        r"|horror|nightmare|bad experience|tried (?:one|it|that|this|a|something|you|these)|last (?:time|one"
        r"|company|supplier|vendor|system|\d)|paid (?:a|for|\$)|ripped|promis\w+|convince|persuade|prove|different"
        r"|why would|how is yours|surveillance|not sure|unsure|hesita\w*|risk\w*|problem|issue|wont (?:work|use"
        r"|let|allow|approve|accept|bother)|never (?:bother|use|approve|allow|work)|would(?:nt| never"
        r"| not) (?:allow|work|approve|let|accept|be|hate|bother|smell)|hate|hard to (?:see|believe|find)"
        r"|difficult to|fail to see|tire kickers|complain\w*|refuse|skeptisch|verspricht|hakt|glaube"
        r"|sehe (?:ich )?(?:wenig|kein)|probleme|peur|crains|mefi\w+|perd\w*|no creo|dudo|desconfi\w*|miedo|medo"
        r"|receio|non credo|dubbi\w*|paura|twijfel|bang|niet op te wachten|obaw\w*|nie wierz\w*|tvekar|orolig"
        r"|skeptisk|bekymr\w*)\b"
    ),
    "policy_block": (
        r"\b(?:not allowed|wont allow|cant (?:send|use|share|switch|change|move)|prohibit\w*|policy|policies"
        r"|compliance|legal (?:team|says|would)|security (?:here|team|would)|board|boss|hoa|council|union"
        r"|works council|betriebsrat|hands are tied|contractually|regulat\w+|approve|approval|mandate[sd]?"
        r"|prescribes|corporate|headquarters|by law|nothing moves)\b"
    ),
    "data_source": (
        r"\b(?:(?:where|how|who) (?:did|do|d|the hell did|in the world did|on earth did|have) (?:you|u"
        r"|ya) (?:\w+ )?(?:get|find|got|obtain|have|source|come)|howd (?:you|u) get|who gave (?:you|u)"
        r"|got my (?:number|email|address|name|details|cell|info) from|(?:my|this) (?:\w+ )?(?:number|email"
        r"|address|cell|contact|details)(?: is| isnt| was)? (?:not|private|personal|from)|woher haben sie"
        r"|wie kommen sie an|comment avez[- ]vous (?:eu|obtenu|trouve)|ou avez[- ]vous|(?:de )?donde (?:saco"
        r"|consigui\w+|tiene|obtuv\w+|sac\w+)|como (?:conseguiu|obteve|arranj\w+|consiguio)|onde (?:conseguiu"
        r"|achou|arrum\w+)|dove (?:ha|avete) (?:preso|trovato)|come (?:ha|avete) avuto|hoe (?:komt|kom|heb"
        r"|heeft) (?:u|je|jullie) aan|skad (?:macie|ma pan|pan ma|masz)|hur fick|var(?:ifran)? (?:fick|har)"
        r"|hvor (?:har|fikk|fik)|hvordan (?:fikk|fik))\b"
    ),
    "asks_price": (
        r"\b(?:how much|price|prices|pricing|priced|cost|costs|fee|fees|rate|rates|charge|charges|tariff|quote"
        r"|per (?:month|seat|user|lead|head|terminal|truck|gb|host|vehicle|year)|monthly|annual(?:ly)?|percentage"
        r"|discount|trial|contract length|minimum|commitment|kostet|kosten|preis\w*|combien|tarifs?|prix|cuanto"
        r"|cuesta|precio\w*|tarifas?|quanto custa|preco\w*|quanto costa|prezz\w+|costo|wat kost|prijs|prijzen"
        r"|tarieven|cena|ceny|ile kosztuje|kostar|pris\w*|koster)\b"
    ),
    "asks_send": (
        r"\b(?:send (?:me )?what|mail (?:them|it|me)|let me have|pass (?:me|on)|link to|got a link|any links?"
        r"|terms first|in writing|drop me)\b|\b(?:send|share|forward|e-?mail|attach|provide|mail|shoot"
        r"|text) (?:me |us |over |it |them |em |along |across |through )*(?:\w+ ){0,2}(?:info|information|details?"
        r"|more|brochure|deck|pdf|docs?|documentation|one-?pager|overview|case stud(?:y|ies)|sample|examples?"
        r"|report|pricing|rates|specs?|spec|w-9|agreement|materials?|something|link|list|references?|proposal"
        r"|quote|it over|guide|that|diagram|numbers|sheet|whitepaper|presentation|copy|stuff)?\b|\b(?:got|have you"
        r"|do you have|is there|any) (?:\w+ ){0,3}(?:brochure|website|docs|documentation|case stud\w+|whitepaper"
        r"|references?|reviews?|examples?|video|something|material\w*|one-?pager)\b|\b(?:unterlagen|broschure"
        r"|prospekt|senden sie|schicken sie|zusenden|documentation|plaquette|envoyer|envoyez|adresser|mande(?:me"
        r"|nme)?|envie(?:me|nme)?|informacion|folleto|mande|envie|apresentacao|informacoes|mandatemi|inviatemi"
        r"|mi mandi|brochure|materiale|stuur\w* (?:me|mij)|voorbeelden|documentatie|proszę (?:o )?prze\w+|przeslac"
        r"|materialy|skicka|sende meg|materiale)\b"
    ),
    "question": r"\?",
    "wh_start": (
        r"(?:^|[.!,\n;] ?(?:and |but |also |so |ok |okay |well )?)(?:what|whats|how|hows|which|where|when|who|whos"
        r"|why|does|do|is|are|can|could|will|would|did|has|have|whose|any|was|wie|welche\w*|wo|wann|wer|warum|was"
        r"|ist|haben|gibt|konnen|comment|quel\w*|ou|quand|qui|pourquoi|est-ce|avez|que|como|cual\w*|donde|cuando"
        r"|quien|por que|tienen|funciona|qual|quais|onde|quando|quem|voces|come|quale|quali|dove|chi|perche|avete"
        r"|wat|hoe|welke|waar|wanneer|wie|waarom|hebben|kunnen|jak\w*|gdzie|kiedy|kto|czy|ile|vad|hur|vilk\w+|var"
        r"|nar|vem|har|hva|hvordan|hvilk\w+|hvor|hvem)\b"
    ),
    "asks_function": (
        r"\b(?:would you be able|id (?:need|want|like) to (?:know|understand|see)|tell (?:me|us) (?:how|what|who"
        r"|which|about)|want to know|like to understand|queries|questions?|depends\. what|notice period"
        r"|set-?up (?:charge|fee|effort)|whats (?:the catch|involved)|what happens|do i have to|does that|who uses"
        r"|white-?label|how do (?:u|you|your|i)|need from me|what do you need|who are the|proof)\b|\b(?:does (?:it"
        r"|this|that|your)|do (?:you|u|ya|yall) (?:\w+ )?(?:support|integrate|work|offer|cover|handle|do|have"
        r"|charge|provide|serve|need|take|host|plug|accept)|can (?:it|you|u) (?:\w+ )?(?:integrate|work|handle|do"
        r"|export|import|write|connect|support|explain|tell|share|send|say|elaborate|describe)|how (?:does|do|is"
        r"|are|long|would|accurate|many|soon|quickly|will)|what (?:does|do|is|are|about|happens|would|makes|kind"
        r"|areas|regions|results|if|exactly|do i|do you|sort)|whats (?:the|in|included|your|different|it|this)"
        r"|is (?:it|there|this|that) (?:\w+ )?(?:compliant|compatible|available|free|safe|secure|actually|a|an|any"
        r"|possible|real|gdpr|hipaa)|are (?:you|u|there|they) (?:\w+ )?(?:licensed|insured|certified|compliant"
        r"|based|local|any|able)|integrat\w+|compatib\w+|tell me more|more (?:info|details|about)|explain"
        r"|elaborate|curious (?:about|how|what|which|whether)|funktioniert|kompatibel|schnittstelle|compatible"
        r"|fonctionne|integracion|funciona|integra\w*|funziona|si integra|koppeling|werkt het|dziala|integracj\w+"
        r"|fungerar|virker)\b"
    ),
    "asks_call": (
        r"\b(?:be called|ring (?:the|after|around|before|ours?)|call the|call my|phone (?:reception|person)"
        r"|on the blower|reach me (?:on|at|by)|catch me on|try me on|best number|more of a phone|over phone"
        r"|speak by phone|talk by phone|by voice|voice is|put you through)\b|\b(?:call|ring|phone|telephone|dial"
        r"|buzz|ringing|phoning) (?:me|us|my|our|the (?:office|shop|bakery|practice|school|mobile|house)|him|her"
        r"|back|anytime|any time|now|after|at|on|tomorrow|today|whenever|plz|please|instead|\+?\(?\d)|\b(?:give"
        r"|gimme) (?:me |us |him |her )?(?:a |an )?(?:\w+ )?(?:call|ring|bell|buzz|shout|tinkle)|\b(?:by|over the"
        r"|on the|via|use the|prefer(?:s)? (?:a |the )?|rather|a|quick|short) (?:tele)?phone(?: call)?\b"
        r"|\b(?:phone|telephone|quick|short) call\b|\bcall\b[.!]?$|\b(?:i answer calls|ring not text|just call"
        r"|please call|can (?:you|u|somebody|someone) (?:call|ring|phone)|(?:have|ask) (?:someone|somebody|him"
        r"|her) (?:to )?(?:call|phone|ring))\b|\b(?:rufen|ruckruf|ruf(?:en)? (?:sie )?(?:mich|uns)|anrufen"
        r"|telefonisch|zuruckrufen|telefon|appelez|rappelez|telephone|joindre|llam\w+|telefono|me lig\w+|ligue\w*"
        r"|telefone|(?:mi|ci) (?:chiam|richiam)\w*|chiamat\w+|telefonat\w*|a voce|bel (?:me|mij|ons|even)|bellen"
        r"|telefonisch|zadzwon\w*|telefon\w*|ring (?:mig|meg|oss)|ringa|ringe|pa telefon)\b"
    ),
    "not_call": (
        r"\b(?:dont|do not|rather than|not by|ring inte|nicht|ne|no|non|niet|nie) (?:\w+ )?(?:call|phone|ring"
        r"|anrufen|appelez|llame|chiamare|bellen)\b"
    ),
    "meeting_word": (
        r"\b(?:talk it through|run (?:me|us|it) through|run through|look at it together|in person|come for"
        r"|come and (?:look|see)|on the books|session|proper look|compare notes|grab a (?:beer|coffee|bite)|visit"
        r"|host you|face to face|site visit|show (?:me|us|him|her|it))\b|\b(?:meet(?:ing|s|up)?|demo|zoom|teams"
        r"|google meet|video(?: call)?|webex|screen ?share|walk ?through|walk me|calendar|calendly|schedul\w+"
        r"|slots?|appointment|invite|invitation|book|chat|coffee|lunch|catch up|sit down|hop on|jump on|come by"
        r"|come in|drop (?:in|by)|pop (?:round|in|by)|stop by|swing by|get together|set (?:something|it|this|up"
        r"|one)|set up|show (?:me|us)|tour|presentation|present|openings?|availability|available|free on|free at"
        r"|when are you|times?|termin\w*|treffen|besprech\w*|gesprach|vorfuhr\w*|kalender|teams|rendez|rdv|visio"
        r"|rencontr\w+|disponib\w+|creneau\w*|reunion|cita|vernos|reunir\w*|agendar|videollamada|demostracion"
        r"|reuniao|conversa|marcar|incontr\w*|appuntamento|videochiamata|sentirci|vederci|afspraak|afspreken"
        r"|agenda|spotkani\w*|porozmawia\w*|mote|ses|avtale)\b"
    ),
    "accepts_time": (
        r"\b(?:you (?:pick|choose)|choose (?:the|a) time|either is|both are free|any (?:afternoon|morning|day"
        r"|time)|have a gap|a slot|im around|ill be (?:at|in|there)|say (?:ten|two|four|three|\d|mon|tue|wed|thu"
        r"|fri)|free to|pick (?:one|a)|quarter past|half past)\b|\b(?:works?(?: for)?|suits?|is (?:good|fine|ok"
        r"|okay|perfect|great|possible|open|best|free)|good for (?:me|us)|fine (?:by|with|for) (?:me|us)|can (?:do"
        r"|make)|could (?:do|make)|i(?:m| am) (?:free|available|around|open)|we are free|have time|passt|ginge"
        r"|hatte zeit|convient|me va|me viene|me queda|puedo|consigo|pode ser|va bene|mi va|posso|schikt|komt uit"
        r"|kan ik|pasuje|passar|passer|gar bra|funkar)\b"
    ),
    "reschedule": (
        r"\b(?:reschedul\w*|move (?:our|the|it|this|my)|shift (?:our|the)|push (?:our|the|it)|postpone|another day"
        r"|same time|instead|cant make|cannot make|verschieben|verlegen|reporter|deplacer|decaler|aplazar|cambiar"
        r"|remarcar|adiar|spostare|rimandare|verzetten|przeloz\w*|flytta|flytte|ombook\w*)\b"
    ),
    "scheduler_link": (
        r"(?:\b(?:cal|calendly|meet|termin|book|schedule|hubspot|savvycal|agenda|afspraak|zcal|koalendar|tidycal"
        r"|rdv|cita)\w{0,12}\.[a-z]{2,12}[/\w.-]{0,200}/[\w/-]+|\b(?:my|own) (?:calendar|calendly|scheduler"
        r"|booking)(?: link| page)?\b|\b(?:grab|pick|find|book|choose) (?:a |any |your )?(?:slot|time|spot"
        r"|something|whatever)\b)"
    ),
    "assistant": (
        r"\b(?:coordinate|arrange|work out a time|set (?:it|this|that|something|a time)? ?up with"
        r"|schedule (?:it )?(?:with|through)|my (?:assistant|ea|secretary|pa|office manager|practice manager)"
        r"|calendar|have a word with|you two|in the diary with|she (?:runs|has|handles) my|he (?:runs|has"
        r"|handles) my)\b"
    ),
    "booked": (
        r"\b(?:showing up in|for sure see|hit yes|apuntad\w|we are on|were on|is in the (?:diary|book)|taken the"
        r"|i have (?:taken|put|entered|reserved)|landed|thats in|its in|scheduled myself|locked|pencil\w*"
        r"|until (?:mon|tues|wednes|thurs|fri)day|put it in|down in my|set in stone|got you down)\b|\b(?:booked"
        r"|reserved|confirmed|confirm|confirming|confirmation|accepted|accept|locked(?: in)?|scheduled|set for"
        r"|all set|grabbed|picked|see you|see u|see him|see ya|cu|talk (?:to you )?(?:on|mon|tue|wed|thu|fri|then"
        r"|tomorrow)|speak (?:on|then|tomorrow)|on (?:my|our|the) calendar|in (?:my|our|the|his|her"
        r"|doctors) (?:calendar|diary|book|phone|agenda)|calendar hold|were on|its on|down for|bestatig\w*"
        r"|eingetragen|zugesagt|gebucht|bis (?:montag|dienstag|mittwoch|donnerstag|freitag|dann)|confirm\w*"
        r"|reserve|note|a (?:lundi|mardi|mercredi|jeudi|vendredi|bientot|demain)|bien recu|accepte|confirmad\w"
        r"|aceptad\w|nos vemos|agendad\w|na agenda|ate (?:segunda|terca|quinta|sexta)|confermat\w|accettat\w"
        r"|prenotat\w|a (?:lunedi|martedi|mercoledi|giovedi|venerdi)|bevestig\w*|staat in|tot (?:maandag|dinsdag"
        r"|woensdag|donderdag|vrijdag)|geboekt|potwierdzam|przyjet\w|do zobaczenia|bokat|bokad|bekraft\w*"
        r"|bekreft\w*|vi (?:hors|ses|sees|snakkes)|booket|inbjudan)\b"
    ),
    "interest": (
        r"\b(?:would ?nt (?:say no|mind)|by all means|please do|ally|worth a (?:shot|go|try|look)|im game|tempting"
        r"|hell yes|yes please|just (?:what|the thing)|caught my eye|up at night|want in|sign me up|be my guest"
        r"|clever|hear more|know more|learn more|glad (?:you|u)|delighted|rings true|finally|more than ever"
        r"|very much|consider it|still (?:looking|interested)|fair enough|bring it|like it|love it|hugged"
        r"|nailed it|hit home|makes sense|fits|good (?:idea|point|question|thinking)|great (?:idea|point)|cool"
        r"|nice one|thats us|count us in|absolutely|better moment|could do with|all for it|game changer)\b"
        r"|\b(?:interest(?:ed|ing)?|intrigu\w+|keen|curious|sounds? (?:\w+ )?(?:good|great|interesting|useful"
        r"|helpful|relevant|promising|amazing|awesome|handy|nice|like)|looks? (?:\w+ )?(?:good|great|interesting"
        r"|handy|decent|promising)|love (?:to|the|it|this)|like (?:the|it|this|what|where|your)|liked|im (?:in"
        r"|down|game|listening|all ears)|all ears|count me in|sign me up|need this|perfect timing|good timing"
        r"|great timing|timing is|right (?:moment|time|idea)|open to|could (?:use|help|be useful|be a fit|work)"
        r"|would (?:help|be useful|be great|love)|awesome|brilliant|excellent|impress\w+|spot on|relevant|exactly"
        r"|attention|definitely|absolutely|for sure|why not|go on|lets go+|yes please|you bet|godsend|enthusias\w+"
        r"|thumbs up|big fan|welcome|promising|useful|handy|spannend|interessant\w*|interesse an|klingt (?:gut"
        r"|spannend|interessant)|aktuell|gerne?|m?interesse\w*|plait|volontiers|me interesa|suena bien|nos vendria"
        r"|me gusta|interessa|gostei|parece bom|faz sentido|mi interessa|volentieri|mi piace|klinkt|leuk|zeker"
        r"|interesuj\w*|chetnie|brzmi|intressant|later|garna|spennende|gjerne|hores)\b"
    ),
    "pain": (
        r"\b(?:piling? up|pile up|lost (?:two|three|\d+|a)|leak\w*|a joke|badly|with (?:great )?difficulty"
        r"|dead here|crying|robbed|jumped|swamp\w* with|bane|hurts?|costs? us|wast(?:e|ing)|chaos|never works"
        r"|falling apart|on paper)\b|\b(?:killing|mess|nightmare|struggl\w*|drown\w*|headache|sick of|tired of"
        r"|fed up|lose sleep|losing|lost (?:\w+ )?(?:people|provider|money)|write off|suffer\w*|outgrown"
        r"|hate(?:s)? (?:our|the|doing)|complain\w* about|goes round|drives|begging|too much|dust|up \d+%"
        r"|biggest cost|brennt|zu hoch|trop de|muchisimo|gastamos|nos matando|fortuna|vast aan|dalig|darlig)\b"
    ),
    "referral_warm": (
        r"\b(?:forward(?:ed|ing)?|passed|passing|sent (?:it|this|your)|sharing (?:it|this)|loop(?:ed|ing) in"
        r"|looping|cc(?:ing|d|ed)?|adding|introduc\w+|connected you|mentioned (?:it|this)|told (?:her|him|them)"
        r"|weitergeleitet|leite (?:es|das) weiter|transmis|transmets|reenvi\w+|encaminh\w+|inoltr\w+|doorgestuurd"
        r"|przekaz\w*|vidarebefordra\w*|videresend\w*)\b"
    ),
    "referral_cold": (
        r"\b(?:sits with|handles? (?:those|that|this|it)|my remit|run the|isnt mine|not mine|i deal with"
        r"|address this to|took over|belongs to (?:the|our)|you should (?:write|speak|talk)|better (?:placed"
        r"|person)|that would be (?:our|the)|above my pay|purchasing does|i am (?:only|just|not the))\b"
        r"|\b(?:wrong (?:person|department|guy|contact|address)|not (?:me|my (?:department|call|area|job|desk"
        r"|thing|decision)|the (?:right )?person|mine|responsible|in charge)|(?:try|ask|contact|email|speak to"
        r"|talk to|youd want|you need|you want) (?:the |our |my |a )?(?:owner|manager|boss|gaffer|purchasing"
        r"|procurement|it|hr|head office|team|[a-z]+ team|hotel|infra)|question for|someone (?:in|else)"
        r"|thats [a-z]+\b|i (?:only|just) (?:do|look|work|am)|im (?:only|just) the|nicht (?:zustandig|mein)"
        r"|liegt (?:beim|bei)|pas (?:moi|responsable|la bonne personne)|adressez|no soy (?:la|el)|lo lleva|nao sou"
        r"|quem cuida|non (?:sono io|me ne occupo)|si rivolga|ga ik niet over|niet mijn|nie do mnie|nie zajmuje"
        r"|inte (?:jag|mitt|ratt)|ikke mitt|ikke meg|spor)\b"
    ),
    "who_are_you": (
        r"\b(?:say again|u there|you there|come again|sorry\?$|remy who|is this (?:automated|a bot|a real|real"
        r"|spam)|what (?:tables|roof|company|is it|s it)|whats that|pardon|do you mean|how do you know me"
        r"|remind me who|where are you from)\b|\b(?:who(?:s| is| are)? (?:this|dis|that|you|u)|who dis|whos this"
        r"|who (?:are you|r u)|which \w+|what is this|whats this (?:about)?|have we met|do i know you|(?:dont"
        r"|do not) (?:recall|remember|know) (?:you|who|visiting|signing)|sorry (?:who|which|what)|are you (?:a|the"
        r"|real)|hello\?|\w+ who|wer (?:ist|sind|spricht)|qui (?:etes|est|es)|c ?est qui|quien (?:es|eres|habla)"
        r"|quem (?:e|fala)|chi (?:e|sei|parla|siete)|wie (?:is|bent|ben)|kto (?:to|mowi)|vem ar|hvem er|kuka)\b"
    ),
    "thanks": (
        r"\b(?:thanks?|thank you|thx|ty|cheers|ta|appreciat\w+|danke|merci|gracias|obrigad\w|grazie|bedankt|dank"
        r"|dziekuj\w*|tack|takk|tak|noted|received|pleased to)\b"
    ),
    "farewell": (
        r"\b(?:good luck|best of luck|all the best|best wishes|take care|good day|alles gute|viel erfolg"
        r"|bonne (?:continuation|chance|journee)|suerte|boa sorte|in bocca|succes|powodzenia|lycka till|lykke til"
        r"|anyway)\b"
    ),
    "sarcasm": (
        r"\b(?:marvellous|goody|what a (?:dream|treat|joy|surprise)|unicorn|ur funny|youre funny|hilarious"
        r"|just kidding|my favou?rite|fascinating|riveting|groundbreaking|bless|thrilling|as if|knows my"
        r"|lol (?:sure|no|ok)|haha no|like i (?:need|want))\b|\b(?:oh (?:great|good|joy|wonderful|look|boy|wow"
        r"|yay)|wow|yay|how (?:thoughtful|lovely|kind|original|exciting)|just what (?:i|we)|exactly what my"
        r"|be still|thrilled|lucky me|what could go wrong|right after|when pigs|sure,? (?:jan|right|because)"
        r"|another (?:\w+ )?(?:app|tool|platform|email|pitch|expert|guru|consultant|solution|email about)|na super"
        r"|toll|noch ein|genial|que bien|encore un|weer een|super,|fourth|third|fifth|eleven|twelve|seventh)\b|🙄|🤡"
        r"|👏"
    ),
    "yes": (
        r"^(?:y(?:es|ep|up|eah|ea|e|eh|ess+|ah)\b|sure|ok(?:ay)?\b|absolutely|definitely|of course|certainly"
        r"|please\b|sounds good|works|perfect|great|go (?:ahead|on|for it)|why not|do it|lets|fine|alright|aye"
        r"|totally|correct|right|indeed|it (?:is|does|did|could|had|would)|we (?:do|are|did)|they do|i (?:do|am"
        r"|did)|i might|possibly|maybe|kinda|ja\b|gerne?|klar|passt|oui|volontiers|d'accord|daccord|bien sur|si\b"
        r"|claro|vale|dale|por supuesto|sim\b|claro|certo|va bene|perfetto|volentieri|zeker|prima|goed|tak\b"
        r"|chetnie|oczywiscie|jo\b|absolut|garna|gjerne|greit|det (?:gar|er|passar)|vil gjerne|👍|👌|🙌|🔥|💯|✅|💪)"
    ),
    "pick": (
        r"\b(?:first|second|third|1st|2nd|former|latter|later one|earlier one|option|either|both|any of|whichever"
        r"|morning|afternoon|the (?:\d{1,2})(?:st|nd|rd|th)?|der erste|le premier|el primero|o primeiro|il primo"
        r"|de eerste|pierwsz\w+|den forsta)\b"
    ),
    "warm_emoji": r"[👍🙌🔥💯🎉😍🤩💪✅👌❤🚀😀😃😄🤝🥳]|🙏",
    "cold_emoji": r"[👎🙄😒🤮😡🤬🖕😤💀🗑🚫❌]",
    "unclear_emoji": r"[🤔🤷😐👀🙂😅😂😬👋😶]",
    "but": (
        r"\b(?:but|however|although|though|except|unfortunately|aber|jedoch|leider|mais|malheureusement|pero|mas"
        r"|porem|ma|pero|purtroppo|maar|helaas|ale|niestety|men|tyvarr|dessverre)\b"
    ),
    "first_person_need": (
        r"\b(?:we|i) (?:need|would (?:like|love)|want|d (?:like|love)|could use|are looking|were looking"
        r"|have been looking)\b"
    ),
    "rhetorical_why": (
        r"\b(?:why (?:would|should|do) (?:i|we|you)|what (?:would|could) (?:i|we|you)(?: be)? (?:pay|get|do)"
        r"|who(?:se)? (?:would|workload)|how (?:is|are|would|could) (?:yours|you|that|this)|what makes you)\b"
    ),
    "machine": (
        r"\b(?:ticket|case|request|reference|automat\w+|received|office|leave|vacation|holiday|return|urgent"
        r"|unattended|monitored|mailbox)\b"
    ),
}
_REPLY_SIGNALS = tuple((name, Phrases(pattern)) for name, pattern in _REPLY_PATTERNS.items())
_ASKED_PATTERNS = {
    "fixed": (
        r"\b(?:invit\w+ (?:sent|attached|is on|on its|gone|over|for|arrived)|(?:sent|mandé|put) (?:you |over |an? "
        r"|the |a hold )*(?:calendar )?(?:invit\w*|hold)|invite\b|invitation|booked|see you|confirmed|confirm"
        r"|locked you|have you down|looking forward to our|you(?:re| are) (?:booked|set|down)|it is, |it is\b"
        r"|reply to confirm|einladung|invitacion|convite|invito|uitnodiging|zaproszenie|inbjudan|invitasjon)\b"
    ),
    "booking_link": (
        r"\b(?:cal\.example|calendar|here it is|pick (?:any|a)|book(?:ing)? (?:link|page)|your calendar"
        r"|my calendar)\b"
    ),
    "when": (
        r"\b(?:when (?:should|is|would|s|can)|whens|better time|good time|circle back|what (?:day|time|morning)"
        r"|welche[rn]? tag|quand|cuando|quando|wanneer|kiedy|nar)\b"
    ),
    "send": (
        r"\b(?:send|share|forward|details|one-?pager|brochure|example|overview|case (?:study)?|scripts?|guide"
        r"|price sheet|numbers|schicken|senden|envoyer|envie|envio|ejemplo|exemple|voorbeeld|przeslac|beispiel"
        r"|skicka)\b"
    ),
    "call": r"\b(?:on the phone|by phone|call you|give you a call|phone call|ring you|telefon\w*)\b",
    "meet": (
        r"\b(?:demo|meet(?:ing)?|zoom|screen share|walk you|show you|quick look|see it|minutes|min\b|deep dive"
        r"|chat|conversation|present|tour|drop in|video call|talk|speak|visio|teams|roof check|walkthrough"
        r"|pilot)\b"
    ),
    "interest": (
        r"\b(?:interest\w*|worth|open to|curious|want|useful|help|relevant|struggle|headache|on your (?:list"
        r"|radar)|of interest|aktuell|parle|thema|sentido|tema|intressant)\b"
    ),
    "question": r"\?",
    "time": _TIME,
}
_ASKED_SIGNALS = tuple((name, Phrases(pattern)) for name, pattern in _ASKED_PATTERNS.items())
_TIME_PATTERN = Phrases(_TIME)
_SENTENCES = re.compile(r"[.!?\n]+")
_READ_LIMIT = 2_000
_SHORT = 4
#: What a short answer can be, crossed with what was asked.
_ANSWERS = ("yes", "starts_no", "pick", "time", "accepts_time", "thanks")


def signal_names() -> tuple[str, ...]:
    """The columns, in order."""
    return tuple(name for name, _ in _signals_of(Reply("sms", "", ""), ""))


def signals(reply: Reply, text: str) -> list[float]:
    """The row of one reply; `text` is its own words."""
    return [value for _, value in _signals_of(reply, text)]


def _signals_of(reply: Reply, text: str) -> Iterator[tuple[str, float]]:
    folded = fold(text, _READ_LIMIT)
    found = {name: bool(pattern.search(folded)) for name, pattern in _REPLY_SIGNALS}
    yield from ((name, float(value)) for name, value in found.items())
    yield from _shape(folded, text[:_READ_LIMIT])
    asked = _asked(reply.history)
    yield from ((f"asked_{name}", float(value)) for name, value in asked.items())
    words = len(folded.split())
    short = words <= _SHORT
    for answer in _ANSWERS:
        for question, value in asked.items():
            yield f"{answer}_to_{question}", float(value and found[answer] and words <= 3 * _SHORT)
    yield "short_to_fixed", float(short and asked["fixed"])
    yield "booked_to_fixed", float(found["booked"] and asked["fixed"])
    yield "booked_to_link", float(found["booked"] and asked["booking_link"])
    yield "booked_with_time", float(found["booked"] and found["time"])
    yield "meeting_with_time", float(found["meeting_word"] and found["time"])
    yield (
        "later_with_span",
        float(
            (found["later"] or found["recontact"])
            and (found["month_or_season"] or found["vague_span"] or found["after_event"])
        ),
    )
    yield "recontact_or_later", float(found["recontact"] or found["later"] or found["think"])
    yield "yes_and_more", float(found["yes"] and words > _SHORT)
    yield "yes_but", float(found["but"] and (found["yes"] or found["interest"]))
    yield "question_not_decline", float(found["question"] and not found["declines"] and not found["starts_no"])
    yield "price_question", float(found["asks_price"] and (found["question"] or words <= 8))
    yield "has_phone", float(find_phone(text) is not None)
    yield "phone_and_call", float(found["asks_call"] and any(char.isdigit() for char in folded))
    yield from ((f"channel_{channel}", float(reply.channel == channel)) for channel in ("sms", "linkedin", "email"))


def _shape(folded: str, text: str) -> Iterator[tuple[str, float]]:
    words = len(folded.split())
    yield "empty", float(not folded)
    yield "one_word", float(words == 1)
    yield "short", float(1 < words <= _SHORT)
    yield "medium", float(_SHORT < words <= 15)
    yield "long", float(words > 40)
    yield "no_letters", float(not any(char.isalpha() for char in folded))
    yield "questions", min(folded.count("?"), 3) / 3
    yield "ends_with_question", float(folded.rstrip(" )\"'").endswith("?"))
    yield "exclaims", float("!" in folded)
    yield "digits", float(any(char.isdigit() for char in folded))
    yield "sentences", min(len([part for part in _SENTENCES.split(folded) if part.strip()]), 5) / 5
    yield "shouts", float(len(text) > 3 and text.isupper())


def _asked(history: Sequence[Turn]) -> dict[str, bool]:
    """What our last message asked; and whether it named one time or several."""
    last = next((turn.text for turn in reversed(history) if turn.direction == "outbound"), "")
    folded = fold(last[-_READ_LIMIT:])
    asked = {name: bool(pattern.search(folded)) for name, pattern in _ASKED_SIGNALS}
    times = sum(1 for _ in _TIME_PATTERN.finditer(folded))
    asked["one_slot"] = asked["question"] and times >= 1
    asked["several_slots"] = asked["question"] and times >= 2 and " or " in folded
    asked["nothing"] = not asked["question"] and not asked["fixed"]
    return asked
