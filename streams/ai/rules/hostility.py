"""Recognises plain abuse, and the wrong person on a phone number: neither gets another message."""

from streams.ai.phrases import Phrases
from streams.ai.rules.folding import fold

_ABUSE = Phrases(
    r"(?:^|[.!?,;:\n] ?|\b(?:just|please|now|so|and|then|oh|can|could|will) )(?:get (?:lost|stuffed|bent)"
    r"|do one(?= you|$|[.!,])|jog on(?=$|[.!,]| mate)|shut (?:the fuck )?up|shove it|bite me)\b|"
    r"\b(?:(?:go )?f+[u*@#]+c?k+ (?:off|you|u|yourself|ur|your|right off|the hell off)|fk (?:off|you|u)|f off"
    r"|eff off|foff|stfu|gtfo|go to hell|rot in hell|burn in hell|eat (?:shit|a dick|my)|piss off|bugger off"
    r"|sod off|naff off|sling your hook|screw (?:you|off)|drop dead|go die|kill yourself|kiss my|suck (?:it"
    r"|my)|up yours|"
    r"(?:you|u|ur|youre|ya|you are|a|bunch of|fucking|bloody|damn|little|absolute|total|complete|utter|such"
    r"|stupid) (?:\w+ ){0,2}(?:asshole|arsehole|bastards?|scum(?:bags?)?|muppets?|morons?|idiots?|pricks?"
    r"|wankers?|dickheads?|twats?|cunts?|bitch(?:es)?|parasites?|weasels?|pieces? of (?:shit|crap|garbage)"
    r"|clowns?|losers?|jerks?|leech(?:es)?|vultures?|crooks?|con artists?|thie(?:f|ves))|asshole|arsehole"
    r"|dickhead|wanker|motherfucker|scumbag)\b"
    r"|\b(?:verpiss\w*|leck mich|arschloch\w*|fick dich|halt(?:en sie)? (?:die|dein|ihre) (?:klappe|fresse)"
    r"|va te faire|allez vous faire|connards?|encule\w*|ta gueule|vete a la (?:mierda|chingada|verga)"
    r"|vayase a la|hijos? de puta|chinga (?:tu|a)|jodete|pendejos?|cabron(?:es)?|vai (?:se foder|tomar no"
    r"|a merda)|filhos? da puta|vaffanculo|stronz[oi]|testa di cazzo|rot op|flikker op|klootzak|kankerlijer"
    r"|spierdal\w+|wypierdal\w+|odpierdol\w*|kurwa|jeb sie|dra at (?:helvete|skogen)|faen ta|fy faen|skrid"
    r"|rov(?:hal|hul)|haista)\b"
)
_WRONG_NUMBER = Phrases(
    r"\b(?:(?:wrong|incorrect) (?:number|phone|cell|num|no(?=\.|$)|#)|(?:you|u|ya)(?: have| got| ve"
    r"|ve)?(?: got)?(?: the)? wrong (?:person|guy|dude|man|lady|woman|girl|gal|one|fella|bloke|house)"
    r"|wrong (?:person|guy|dude|man|lady) (?:pal|mate|bud|buddy|dude|here|bro|hun|sorry|love)|(?:got|had|have"
    r"|had) (?:this|that|the|his|her) (?:number|phone|line) (?:last|this|for|since|a|before|from|years|from)"
    r"|this is my (?:phone|number|cell) now|(?:phone|number) (?:now )?belongs to|(?:nobody|no one"
    r"|noone) (?:called|named|by the name(?: of)?) \w+|(?:dont|do not) know (?:any|a|an|no)(?: one called"
    r"| one named)? (?!thing|body|one|more|other|good|details)\w+(?=,|\.|$|!)|(?:new|not the|isnt the|previous"
    r"|former) owner of this (?:number|phone)|this (?:isnt|is not|aint|is no longer|was) (?:\w+s|my (?:\w+s )"
    r"|a \w+ )?(?:his|her|their|him|number|phone|cell|the right number)|(?:number"
    r"|phone) (?:no longer )?belong(?:s|ed)? to (?:someone|somebody|another|me)|no (?!one|body|thanks|thank"
    r"|thx|worries|problem|idea|interest|need|time|longer|bakery|budget|questions?|reason)\w+ (?:here"
    r"|at this number|lives here|by that name|on this number)(?=$|[.,!?\n ])|(?:nobody|no one"
    r"|no) (?:here )?(?:by|with|called|named) (?:that|this|the) name|no one (?:here )?(?:called|named|by)"
    r"|(?:was|is) (?:my )?(?:mothers|fathers|dads|moms|mums|late \w+s|\w+s old|her|his) (?:old )?(?:phone"
    r"|number))\b"
    r"|\b(?:falsche (?:nummer|person)|verwahlt|numero (?:equivocado|errado|incorrecto|sbagliato)"
    r"|se (?:ha )?equivoc\w+ de (?:numero|persona)|mauvais numero|(?:erreur|trompez?) de numero|(?:verkeerd"
    r"|fout) (?:nummer|verbonden)|(?:zly|bledny) numer|pomylka|fel(?:aktigt)? nummer|feil nummer"
    r"|forkert nummer|vaara numero|numero errato|engano)\b"
)
_NAMES_SOMEONE = Phrases(r"\b(?:try|ask|contact|speak to|talk to|email) \w+")


def is_abuse(text: str) -> bool:
    """Insults aimed at us; a curse for emphasis is none."""
    return bool(_ABUSE.search(fold(text)))


def is_wrong_number(text: str) -> bool:
    """The number belongs to somebody else than we think; not a colleague who passes us on."""
    folded = fold(text)
    return len(folded) < 400 and bool(_WRONG_NUMBER.search(folded)) and not _NAMES_SOMEONE.search(folded)
