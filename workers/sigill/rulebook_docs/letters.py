"""
A region's letters, filled in and rendered: Markdown of the rulebook to text, to a page for printing, or to PDF.

Sigill holds no address and no name here: recipient and reference are lines for the pen, unless whoever prints the letter has
typed them for this one print. The page is HTML that any browser prints; page and PDF fetch nothing.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from importlib import resources

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

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
_REPLY = Sentence("Regionens standardsvar", "The region's standard reply")
_NO_GLYPH = Sentence(
    "Ett tecken finns inte i PDF:ens typsnitt, så ingen PDF har gjorts. Skriv ut sidan från webbläsaren i stället, eller skriv tecknet "
    "på annat sätt.",
    "A character is not in the fonts of the PDF, so none was made. Print the page from the browser instead, or write the character "
    "in another way.",
)
_NO_PROGRAM = Sentence(
    "Programmet som gör PDF (typst) finns inte i installationen. Skriv ut sidan från webbläsaren i stället.",
    "The program that makes PDF (typst) is not in this installation. Print the page from the browser instead.",
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


@dataclass(frozen=True, slots=True)
class LetterDetails:
    """
    What is known of one letter beside the rulebook: the case's number, and the recipient's name and address by lines as
    somebody typed them for this print. None, and no lines: a line for the pen.
    """

    reference: str | None = None
    recipient: tuple[str, ...] = ()


NO_DETAILS = LetterDetails()


def letter_text(region: Region, version: Version, letter: Letter, day: date, *, english: bool = False) -> str:
    """A letter as Markdown with its fields filled in; `day` is the Swedish date that stands on it."""
    return _filled(region, version, letter, day, NO_DETAILS, english=english, escaped=False)


def letter_html(
    region: Region,
    version: Version,
    letter: Letter,
    day: date,
    details: LetterDetails = NO_DETAILS,
    *,
    english: bool = False,
) -> str:
    """The same as HTML, without a page around it. Values are text, whatever they look like."""
    return rendered(letter_markdown(region, version, letter, day, details, english=english))


def letter_markdown(
    region: Region,
    version: Version,
    letter: Letter,
    day: date,
    details: LetterDetails,
    *,
    english: bool = False,
) -> str:
    """A letter as Markdown in which every value is escaped, for `rendered`."""
    return _filled(region, version, letter, day, details, english=english, escaped=True)


def rendered(text: str) -> str:
    """The Markdown of a letter as HTML; whatever the text holds, no element, link or image of its own."""
    return str(_MARKDOWN.render(text))


EXAMPLE_DETAILS = LetterDetails("EXEMPEL 2026-1", ("Kim Exempelsson", "Exempelgatan 1", "123 45 Exempelstad"))
"""What stands in the preview of a draft's letters: nobody's name, and nobody's address."""


class LetterError(Exception):
    """A letter cannot be made as PDF; `said` says why, and repeats nothing of what stands on it."""

    def __init__(self, said: Sentence) -> None:
        super().__init__(said.en)
        self.said = said


def letter_pdf(
    region: Region,
    version: Version,
    letter: Letter,
    day: date,
    details: LetterDetails = NO_DETAILS,
    *,
    english: bool = False,
) -> bytes:
    """
    The same as PDF on A4: tagged (PDF/UA-1, ISO 14289-1), with title, language and page numbers. Takes a tenth of a second.

    Raises LetterError for a character that none of its fonts has: PDF/UA lets no box stand for one.
    """
    try:
        import typst  # noqa: PLC0415 - 80 MB of code, which only a process that makes a letter loads
    except ImportError:
        raise LetterError(_NO_PROGRAM) from None

    tree = SyntaxTreeNode(
        _MARKDOWN.parse(letter_markdown(region, version, letter, day, details, english=english))
    )
    blocks = _blocks(tree.children)
    headings = [_plain(node) for node in tree.children if node.type == "heading"]
    document = {
        "title": headings[0] if headings else ("Letter" if english else "Brev"),
        "language": "en" if english else "sv",
        "blocks": blocks,
    }
    source = (resources.files("sigill.rulebook_docs") / "letter.typ").read_bytes()
    try:
        made = typst.compile(
            source,
            sys_inputs={"letter": json.dumps(document, ensure_ascii=False)},
            ignore_system_fonts=True,
            pdf_standards="ua-1",
        )
    except typst.TypstError:  # whose text repeats the line: a name, or an address
        raise LetterError(_NO_GLYPH) from None
    assert isinstance(made, bytes), "one document is one file"
    return made


def letter_title(name: str, letter: Letter, *, english: bool = False) -> str:
    """What a letter is called in a list: its first heading, where no field stands in it; else what it is, or its name."""
    if letter.says_the_standard_reply_alone:
        return _REPLY.en if english else _REPLY.sv
    heading = re.search(r"^#{1,3} +([^{}\n]+)$", letter.en if english else letter.sv, re.MULTILINE)
    return name if heading is None else heading[1].strip()


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> list[dict[str, object]]:
    """Blocks of a letter as the template of the PDF reads them."""
    found: list[dict[str, object]] = []
    for node in nodes:
        match node.type:
            case "heading":
                found.append({"kind": "heading", "level": int(node.tag[1:]), "parts": _parts(node.children)})
            case "bullet_list" | "ordered_list":
                kind = "bullets" if node.type == "bullet_list" else "numbered"
                found.append({"kind": kind, "items": [_blocks(item.children) for item in node.children]})
            case "paragraph":
                found.append({"kind": "paragraph", "parts": _parts(node.children)})
            case "code_block" | "fence":
                found.append({"kind": "paragraph", "parts": [{"kind": "text", "text": node.content}]})
            case _:
                found += _blocks(node.children)
    return found


def _parts(nodes: Sequence[SyntaxTreeNode]) -> list[dict[str, object]]:
    """Pieces of a line."""
    found: list[dict[str, object]] = []
    for node in nodes:
        match node.type:
            case "inline":
                found += _parts(node.children)
            case "em" | "strong":
                found.append({"kind": str(node.type), "parts": _parts(node.children)})
            case "hardbreak":
                found.append({"kind": "break"})
            case "softbreak":
                found.append({"kind": "text", "text": " "})
            case _:
                found.append({"kind": "text", "text": node.content})
    return found


def _plain(node: SyntaxTreeNode) -> str:
    return node.content if not node.children else "".join(_plain(child) for child in node.children)


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
    region: Region,
    version: Version,
    letter: Letter,
    day: date,
    details: LetterDetails,
    *,
    english: bool,
    escaped: bool,
) -> str:
    forms = listed((FORM[form] for form in letter.encloses), sv="och", en="and")
    reply = version.standard_reply
    values = {
        "date": day.isoformat(),
        "region": region.name,
        "support": region.support,
        "forms": forms.en if english else forms.sv,
        "standard_reply": "" if reply is None else reply.en if english else reply.sv,
        "reference": details.reference or _LINE,
        "recipient": "\n".join(details.recipient) or _LINE,
    }
    if escaped:
        values = {name: _PUNCTUATION.sub(r"\\\1", value) for name, value in values.items()}
        values["recipient"] = values["recipient"].replace("\n", "\\\n")
    return (letter.en if english else letter.sv).format(**values)
