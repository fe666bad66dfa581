"""
A region's letters, filled in and rendered: Markdown of the rulebook to text, or to a page for printing.

Sigill holds no address and no name here: recipient and reference are lines for the pen, so that nothing about a protected
person can appear. The page is HTML that any browser prints; it fetches nothing.
"""

import re
from datetime import date
from html import escape

from markdown_it import MarkdownIt

from sigill.policy.effects import Sentence
from sigill.policy.rulebook import Letter, Region, Version
from sigill.policy.sentences import FORM
from sigill.rulebook_docs.clauses import listed

DELIVERY = {
    "registered_personal": Sentence(
        "Skickas som rekommenderat brev med personlig utlämning till folkbokföringsadressen: bara mottagaren själv kan hämta "
        "det, inte med bud eller fullmakt. Spara sändningsnumret och mottagningsbeviset i journalen.",
        "Sent as a registered letter with personal delivery to the registered address: only the addressee can fetch it, no "
        "messenger and no power of attorney. Keep the posting number and the receipt in the record.",
    ),
    "registered_address": Sentence(
        "Skickas som brev till folkbokföringsadressen.", "Sent as a letter to the registered address."
    ),
}
"""How a letter goes, for whoever sends it."""
NO_ADDRESS = Sentence(
    "Sigill känner ingen adress. Har mottagaren skyddade personuppgifter skrivs ingen adress på brevet: det skickas genom "
    "Skatteverkets förmedling.",
    "Sigill knows no address. Where the recipient has protected identity no address is written on the letter: it goes "
    "through the Swedish Tax Agency's forwarding.",
)
_LINE = "_" * 32
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "link", "autolink", "html_block", "html_inline"]
)
_STYLE = """
body{font:11.5pt/1.5 Georgia,"Times New Roman",serif;color:#000;background:#fff;max-width:42rem;margin:3rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.15rem}p,li{overflow-wrap:anywhere}
@page{size:A4;margin:25mm 22mm}
@media print{body{margin:0;max-width:none;padding:0}h1,h2{break-after:avoid}}
"""


def letter_text(region: Region, version: Version, letter: Letter, day: date, *, english: bool = False) -> str:
    """A letter as Markdown with its fields filled in; `day` is the Swedish date that stands on it."""
    return _filled(region, version, letter, day, english=english, escaped=False)


def letter_html(region: Region, version: Version, letter: Letter, day: date, *, english: bool = False) -> str:
    """The same as HTML, without a page around it. Values are text, whatever they look like."""
    text = _filled(region, version, letter, day, english=english, escaped=True)
    return str(_MARKDOWN.render(text))


def letter_page(region: Region, version: Version, letter: Letter, day: date, *, english: bool = False) -> str:
    """The same as a page of its own, to print."""
    language = "en" if english else "sv"
    return "\n".join(
        (
            "<!doctype html>",
            f'<html lang="{language}"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(day.isoformat())}</title><style>{_STYLE}</style></head><body>",
            letter_html(region, version, letter, day, english=english),
            "</body></html>",
            "",
        )
    )


def _filled(
    region: Region, version: Version, letter: Letter, day: date, *, english: bool, escaped: bool
) -> str:
    forms = listed((FORM[form] for form in letter.encloses), sv="och", en="and")
    reply = version.standard_reply
    values = {
        "date": day.isoformat(),
        "region": region.name,
        "support": region.support,
        "forms": forms.en if english else forms.sv,
        "standard_reply": "" if reply is None else reply.en if english else reply.sv,
        "reference": _LINE,
        "recipient": _LINE,
    }
    if escaped:
        values = {name: _PUNCTUATION.sub(r"\\\1", value) for name, value in values.items()}
    return (letter.en if english else letter.sv).format(**values)
