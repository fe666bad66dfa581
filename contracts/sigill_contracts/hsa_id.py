"""HSA-ids: the identifiers of Swedish care staff and units, and the one form in which they are compared."""

import re

#: Country, and an organisation number of twelve digits: the ten that everybody knows after the 16 that marks a legal
#: person, as it is written where personal numbers have twelve digits too.
_TWELVE_DIGITS = re.compile(r"SE16([0-9]{10}-)")


def canonical_hsa_id(text: str) -> str:
    """
    The form in which two HSA-ids are compared: capital letters, and an organisation number of ten digits.

    `SE165565594230-B45` and `se5565594230-b45` name the same. What is no HSA-id comes back in capitals.
    """
    return _TWELVE_DIGITS.sub(r"SE\1", text.upper(), count=1)
