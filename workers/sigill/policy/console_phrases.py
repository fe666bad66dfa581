"""
Sentences that the store keeps in English, as the console says them: what was shown, and what a check of a signature found.

The stored text is evidence and stays as it was written; here it is told to whoever reads it. A text of nobody's list, such
as a reason that an operator wrote, is given back as it is.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from sigill.policy.calendar import STOCKHOLM

_AT = r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)"
_INSTANT = re.compile(_AT)
_WHOLE: Mapping[str, str] = {
    "order page": "beställningens sida",
    "case page": "ärendets sida",
    "letter from the case": "brev ur ärendet",
    "a case is opened": "ett ärende öppnas",
    "work-list": "arbetslistan",
    "task": "uppgift",
    "search": "sökning",
    "dead letter": "oläsligt meddelande",
    "dead letter to be sent again": "oläsligt meddelande som ska sändas om",
    "dead letter to be taken": "oläsligt meddelande som någon tar",
    "discard to be decided": "kassering som ska avgöras",
    "week ahead": "veckan som kommer",
    "what changes by itself this week": "det som ändras av sig självt i veckan",
    "orders of the patient, masked": "patientens beställningar, maskerade",
    "numbers unmasked": "numren omaskerade",
    "extract of the access log for the auditor": "utdrag ur åtkomstloggen för granskaren",
    "nothing: protected identity": "ingenting: skyddade personuppgifter",
    "what the rules say before signing": "vad reglerna säger före underskrift",
    "the patient's guardians by name": "patientens vårdnadshavare vid namn",
    "refused already": "redan avslagen",
    "no path, so no issuer to ask": "ingen kedja, så ingen utfärdare att fråga",
    "no anchor for time stamps is set": "inget ankare för tidsstämplar är inställt",
    "a time stamp that is not believed": "en tidsstämpel som inte godtas",
    "no list or answer speaks for it": "ingen spärrlista och inget svar gäller det",
    "nothing speaks for the time of signing": "inget gäller tiden för underskriften",
    "an etsiU component cannot be read": "en etsiU-del går inte att läsa",
    "a SignatureTimeStamp cannot be read": "en SignatureTimeStamp går inte att läsa",
}
_PARTS: Sequence[tuple[re.Pattern[str], str, str | None]] = [
    (re.compile(pattern), sv, en)
    for pattern, sv, en in (
        (r"order ([^,]+), masked", r"beställning \1, maskerad", None),
        (r"order ([^,]+), unmasked", r"beställning \1, omaskerad", None),
        (r"phone order (\S+)", r"telefonbeställning \1", None),
        (r"what to key in, task (\d+), masked", r"vad som ska knappas in, uppgift \1, maskerat", None),
        (r"what to key in, task (\d+), unmasked", r"vad som ska knappas in, uppgift \1, omaskerat", None),
        (r"what to key in, task (\d+)", r"vad som ska knappas in, uppgift \1", None),
        (
            r"access at ([^;]+?) as known at ([^;]+?); what may be said to unknown",
            r"åtkomsten \1 som den var känd \2; vad som får sägas till en okänd",
            None,
        ),
        (
            r"access at ([^;]+?) as known at ([^;]+?); what may be said to (\S+)",
            r"åtkomsten \1 som den var känd \2; vad som får sägas till \3",
            None,
        ),
        (r"access at ([^;]+?) as known at ([^;]+)", r"åtkomsten \1 som den var känd \2", None),
        (
            r"access at ([^;]+?); what may be said to unknown",
            r"åtkomsten \1; vad som får sägas till en okänd",
            None,
        ),
        (
            r"access at ([^;]+?); what may be said to (\S+)",
            r"åtkomsten \1; vad som får sägas till \2",
            None,
        ),
        (r"access at ([^;]+)", r"åtkomsten \1", None),
        (r"dead_letter_opened (\d+)", r"oläsligt meddelande #\1, innehållet", r"dead letter #\1, its content"),
        (
            r"dead_letter_bytes_taken (\d+)",
            r"oläsligt meddelande #\1, hämtat som fil",
            r"dead letter #\1, as a file",
        ),
        (r"order_unmasked (.+)", r"beställning \1, omaskerad", r"order \1, unmasked"),
        (r"order_bytes_taken (.+)", r"beställning \1, hämtad som fil", r"order \1, as a file"),
        (r"phone_order_corrected (.+)", r"telefonbeställning \1, öppnad för rättelse", r"phone order \1, corrected"),
        (r"letter (\S+) in case (.+)", r"brevet \1 i ärende \2", None),
        (r"case (.*\d.*)", r"ärende \1", None),
        (r"archive package (.+)", r"arkivpaket \1", None),
        (r"receipts of order (\S+)", r"kvitton på beställning \1", None),
        *(
            (
                rf"whether {who} reaches (?P<service>[a-z_]+){at}: {said} \((?P<codes>.*)\)",
                rf"om {vem} når \g<service>{hos}: {svar} (\g<codes>)",
                None,
            )
            for who, vem in (("a stranger", "en okänd"), (r"person (?P<person>\S+)", r"person \g<person>"))
            for at, hos in (("", ""), (r" at (?P<unit>\S+)", r" vid \g<unit>"))
            for said, svar in (("allowed", "ja"), ("denied", "nej"))
        ),
        (r"(\d+) certificates to the anchor", r"\1 certifikat till ankaret", None),
        (r"signed (\S+ ?\S*), valid (\S+ ?\S*) to (\S+ ?\S*)", r"underskrivet \1, giltigt \2 till \3", None),
        (r"signed (\d+) days before it arrived", r"underskrivet \1 dagar innan det kom", None),
        (r"revoked from (.+)", r"spärrat från \1", None),
        (r"the newest statement ran out (.+)", r"det senaste beskedet gick ut \1", None),
        (r"(\d+) s", r"\1 s efter underskriften", r"\1 s after the signature"),
    )
]  # fmt: skip


def phrase(text: str, language: str) -> str:
    """A stored text in the reader's language, its moments in Swedish time; any other text as it is."""
    whole = _WHOLE.get(text)
    if whole is not None:
        return whole if language == "sv" else text
    readable = _INSTANT.sub(lambda found: _moment(found[1]), text)
    for pattern, sv, en in _PARTS:
        found = pattern.fullmatch(readable)
        if found is not None:
            return found.expand(sv) if language == "sv" else found.expand(en) if en else readable
    return readable if _INSTANT.fullmatch(text) else text


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo is None else at.astimezone(STOCKHOLM)).strftime("%Y-%m-%d %H:%M")
