"""The tables of the Swedish guide (`docs/regelbok.md`): every code that a rule owner may write, from the lexicon.

A table is known by its heading; its rows are written anew, and whatever else stands on the page is left as it is.
"""

from collections.abc import Iterable, Mapping

from sigill.policy.effects import Sentence
from sigill.policy.lexicon import ACCESS, ATTESTATION, CHANNEL, DOCUMENT, FORM, INITIATIVE, ROLE

TABLES: Mapping[str, Mapping[str, Sentence]] = {
    "| kod | blankett |": {str(code): said for code, said in FORM.items()},
    "| kod | initiativ |": {str(code): said for code, said in INITIATIVE.items()},
    "| kod | roll |": {str(code): said for code, said in ROLE.items()},
    "| kod | kanal |": {str(code): said for code, said in CHANNEL.items()},
    "| kod | intygande |": {str(code): said for code, said in ATTESTATION.items()},
    "| kod | handling |": {str(code): said for code, said in DOCUMENT.items()},
    "| kod | svaret betyder |": {str(code): said for code, said in ACCESS.items()},
}


def with_tables(page: str) -> str:
    """The page with every table as the lexicon has it now. Raises LookupError for a table that the page lacks."""
    lines = page.split("\n")
    for heading, words in TABLES.items():
        if heading not in lines:
            raise LookupError(f"the page has no table {heading}")
        start = lines.index(heading)
        end = next((n for n in range(start, len(lines)) if not lines[n].startswith("|")), len(lines))
        lines[start:end] = [heading, "| --- | --- |", *_rows(words.items())]
    return "\n".join(lines)


def _rows(words: Iterable[tuple[str, Sentence]]) -> Iterable[str]:
    return (f"| `{code}` | {said.sv} |" for code, said in words)
