"""Texts of messages as they come in life: HTML with scripts, styles, tracking pixels, endless threads."""

from html import escape

from ebayconnector.simulator.trading_xml import CData

SUBJECTS = {
    "en": (
        "{other} has sent a question about item: {title}",
        "Details about item: {title}",
        "Other: {other} sent a message about {title}",
    ),
    "de": ("{other} hat eine Frage zu: {title}", "Lieferung und Versand: {title}"),
    "fr": ("{other} a une question sur l’objet : {title}", "Autre : {title}"),
}
EBAY_SUBJECTS = {
    "en": ("Your invoice for eBay fees is ready", "Sold, ship now! 🎉", "We’re updating our User Agreement"),
    "de": ("Ihre Gebührenabrechnung liegt vor", "Verkauft – jetzt verschicken! 🎉", "Änderungen unserer AGB"),
    "fr": ("Votre relevé de frais est prêt", "Vendu ! À expédier 🎉"),
}
QUESTIONS = {
    "en": (
        "Hi, is this still available? Will it fit a '98 model & is 1/4\" < 7mm?",
        "Where is my order?? It's been two weeks…",
        "Can you combine shipping? Thanks 🙏",
        "Hello,\n\nmy address changed:\n  12 Elm Street\n\nRegards",
        "I paid <b>twice</b>, please refund &pound;12.50",
    ),
    "de": (
        "Hallo, passt das auch für die Größe „XL“? Schöne Grüße aus Köln 👋",
        "Guten Tag,\nwo bleibt mein Päckchen? Ärgerlich!",
        "Würden Sie auch für 20 € verkaufen? Maße: 10 < x < 12 cm & flach",
    ),
    "fr": ("Bonjour, l’objet est-il encore disponible ? Où en est l’envoi ?", "Ça ne marche pas… 😕"),
}
REPLIES = {
    "en": ("Hello, yes, it ships tomorrow. Best regards", "Sorry – a refund is on its way 👍"),
    "de": ("Guten Tag, ja, geht morgen raus. Viele Grüße", "Entschuldigung für die Verspätung!"),
    "fr": ("Bonjour, oui, envoi demain. Cordialement",),
}

_THREAD_TURNS = 120  # about sixty kilobytes

_PIXEL = (
    '<img src="https://rover.ebay.example/roveropen/0/e11000/7?euid={euid}&amp;bu=1&amp;cp=1" '
    'width="1" height="1" alt="" style="display:none">'
)
_SCRIPT = "<script>var u='{euid}';if(1<2&&document.cookie){{new Image().src='//t.example/?'+u}}</script>"
_STYLE = (
    '<style>@import url("//t.example/a.css");.u{position:fixed}body{background:url(//t.example/b)}</style>'
)


def message_text(*, form: int, words: str, title: str, euid: str) -> str:
    """The `Text` of a message; `form` from 0 to 99 chooses the manner of writing."""
    match form:
        case _ if form < 4:
            return CData(_thread(words, title, euid, turns=_THREAD_TURNS))
        case _ if form < 14:
            return words
        case _ if form < 22:
            return escape(words).replace("\n", "<br>")
        case _ if form < 26:
            return CData(f"<div>{escape(words)} ]]&gt; <i>a]]>b</i></div>")
        case _ if form < 62:
            return CData(_thread(words, title, euid, turns=form % 4))
        case _:
            return _thread(words, title, euid, turns=form % 4)


def _thread(words: str, title: str, euid: str, *, turns: int) -> str:
    """eBay's page around a message: the newest part first, what went before it quoted below."""
    body = escape(words).replace("\n", "<br />")
    before = "".join(_quoted(turn, body) for turn in range(turns))
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8">{_STYLE}{_SCRIPT.format(euid=euid)}</head>'
        f'<body onload="track()"><div id="RawHtmlText">{body}</div>'
        f'<table><tr><td><a href="javascript:void(0)" onclick="x()">{escape(title)}</a></td></tr></table>'
        f'<form action="https://signin.example/login"><input name="pass" type="password"></form>'
        f"{before}<p>&copy; 1995&ndash;2026 eBay&nbsp;Inc. &#128231; &#x1F4E6;</p>"
        f"{_PIXEL.format(euid=euid)}</body></html>"
    )


def _quoted(turn: int, body: str) -> str:
    return (
        f'<div class="quoted" style="margin-left:{turn % 8 * 12}px"><hr><b>From:</b> member-{turn}<br>'
        f"<b>Sent:</b> {1 + turn % 28:02d}-Jan-26<p>{body}</p><blockquote>Größe, Maß &amp; Übergabe – "
        f"l’été, 日本, 🎸</blockquote></div>"
    )
