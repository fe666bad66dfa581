"""
The table of the signature profile in docs/ehr.md, written from workers/sigill/trust/profile.py.

`python -m sigill.devtools.signature_profile` writes it; `--check` fails when it has drifted.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from sigill.trust import profile
from sigill.trust.profile import Demand

PAGE = Path(__file__).parents[3] / "docs" / "ehr.md"
BEGIN, END = "<!-- signature profile: begin -->", "<!-- signature profile: end -->"


def _code(*values: str) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _row(demand: Demand) -> str:
    return f"| `{demand.field}` | {demand.en.replace('|', chr(92) + '|')} |"


def _table(*demands: Demand) -> Iterator[str]:
    yield "| field of the receipt | what must be so |"
    yield "| --- | --- |"
    yield from (_row(demand) for demand in demands)
    yield ""


def lines() -> Iterator[str]:
    """The part of the page between its marks, line by line."""
    yield "**Algorithms**, by the certificate's key:"
    yield ""
    yield "| JWS | XML | key |"
    yield "| --- | --- | --- |"
    for name, key in profile.KEYS.items():
        yield f"| `{name}` | {_code(*profile.XML_METHODS[name])} | {key} |"
    yield ""
    yield "**JWS** (`application/jose`, `application/jose+json`)."
    yield f"Protected header: {_code(*profile.PLAIN_HEADERS, *profile.JADES_HEADERS)}; unprotected:"
    yield f"{_code(*sorted(profile.UNPROTECTED))}. Refused by name: {_code(*profile.REFUSED_HEADERS)}."
    yield ""
    yield from _table(
        profile.TYP,
        profile.X5C,
        profile.JWS_TIME,
        profile.CRIT,
        profile.REFERENCE_TO_CERTIFICATE,
        profile.UNPROTECTED_HEADER,
        profile.PAYLOAD_INSIDE,
        profile.BASE64URL,
        profile.JSON_MEMBERS,
    )
    yield "**XML** (`application/xml`), enveloped XAdES baseline."
    yield f"Canonicalizations: {_code(*profile.CANONICAL)}. Digests: {_code(*profile.XML_DIGESTS)}. Beside"
    yield f"`{profile.ENVELOPED}` are understood, and mean the same, `{profile.FILTER2}` with"
    yield f'`Filter="subtract"` and `{profile.SUBTRACTED.format(ds="ds")}`, and `{profile.XPATH}` with'
    yield f"`{profile.OUTSIDE.format(ds='ds')}`, in just these words."
    yield ""
    yield from _table(
        profile.DOCUMENT,
        profile.ONE_SIGNATURE,
        profile.CANONICALIZATION,
        profile.REFERENCES,
        profile.TRANSFORMS,
        profile.XML_DIGEST,
        profile.PSS_PARAMETERS,
        profile.QUALIFYING_PROPERTIES,
        profile.XML_TIME,
        profile.XML_CERTIFICATE,
        profile.SIGNING_CERTIFICATE,
        profile.KEY_VALUE,
    )
    yield "**Certificates** (`certificate_not_for_signing`, `certificate_untrusted`, `certificate_expired`,"
    yield "`algorithm_not_allowed`)."
    yield ""
    yield from _table(*profile.CERTIFICATE)


def written(page: str) -> str:
    """The page with its table as it should be. Raises ValueError when the marks are gone."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name} has lost the marks of the signature profile")
    return f"{before}{BEGIN}\n\n" + "\n".join(lines()) + f"\n{END}{after}"


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    if "--check" in sys.argv[1:]:
        if page != written(page):
            sys.exit("docs/ehr.md has drifted: run `python -m sigill.devtools.signature_profile`")
    else:
        PAGE.write_text(written(page), encoding="utf-8")
