"""What the store keeps in English is read in Swedish, and an operator's own words are nobody's to change."""

import pytest

from sigill.policy.console_phrases import phrase


@pytest.mark.parametrize(
    ("stored", "sv", "en"),
    [
        ("order page", "beställningens sida", "order page"),
        ("order SIGILL-1, masked", "beställning SIGILL-1, maskerad", "order SIGILL-1, masked"),
        ("order RS 2027-7F, masked", "beställning RS 2027-7F, maskerad", "order RS 2027-7F, masked"),
        ("order_unmasked RS 2027-7F", "beställning RS 2027-7F, omaskerad", "order RS 2027-7F, unmasked"),
        ("case RS 2027-7F", "ärende RS 2027-7F", "case RS 2027-7F"),
        ("archive package SIGILL-1", "arkivpaket SIGILL-1", "archive package SIGILL-1"),
        (
            "access at 2025-03-10T09:00+00:00; what may be said to P-7",
            "åtkomsten 2025-03-10 10:00; vad som får sägas till P-7",
            "access at 2025-03-10 10:00; what may be said to P-7",
        ),
        ("access at 2025-07-01T09:00+00:00", "åtkomsten 2025-07-01 11:00", "access at 2025-07-01 11:00"),
        ("dead_letter_opened 4", "oläsligt meddelande #4, innehållet", "dead letter #4, its content"),
        ("3 certificates to the anchor", "3 certifikat till ankaret", "3 certificates to the anchor"),
        ("2025-03-10T09:00:00+00:00", "2025-03-10 10:00", "2025-03-10 10:00"),
        ("0 s", "0 s efter underskriften", "0 s after the signature"),
        ("Ringde 2025-03-10T09:00:00+00:00 om sonen", *["Ringde 2025-03-10T09:00:00+00:00 om sonen"] * 2),
        (
            "whether person 4 reaches journal at SE1-U: denied (sealed)",
            "om person 4 når journal vid SE1-U: nej (sealed)",
            "whether person 4 reaches journal at SE1-U: denied (sealed)",
        ),
        ("ES256", "ES256", "ES256"),
    ],
)
def test_a_stored_text_is_told_in_the_readers_language(stored: str, sv: str, en: str) -> None:
    assert phrase(stored, "sv") == sv
    assert phrase(stored, "en") == en
