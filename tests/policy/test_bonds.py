"""What a rulebook may say of the unit that decides, and what it says in words."""

import pytest

from sigill.cli.common import rulebooks
from sigill.policy.rulebook import RulebookError
from sigill.rulebook_docs.clauses import demands
from tests.policy.test_checking import with_entry


@pytest.mark.parametrize(
    ("form", "bonds", "fault"),
    [
        ("seal_journal", "[imposing_unit, its_successor]", "may name the clinic alone"),
        ("release_journal_seal", "[its_successor]", "names the successor of a unit that it leaves out"),
    ],
)
def test_a_bond_that_can_mean_nothing_is_named(form: str, bonds: str, fault: str) -> None:
    assert any(fault in line for line in with_entry(form, f"deciders_bound_to: {bonds}"))


@pytest.mark.parametrize("bonds", ["[]", "[here]", "[{clinic: 7}]", "[{clinic: Barn}]"])
def test_a_bond_that_is_none_cannot_be_read(bonds: str) -> None:
    with pytest.raises(RulebookError, match="deciders_bound_to"):
        with_entry("release_journal_seal", f"deciders_bound_to: {bonds}")


def test_bonds_are_told_in_words() -> None:
    version = rulebooks().regions["jamtland-harjedalen"].versions[-1]  # type: ignore[index]
    said = {
        entry.id: [text.sv for clause, text in demands(entry) if clause == "deciders_bound_to"]
        for entry in version.entries
        if entry.deciders_bound_to
    }
    assert said["block-opened-at-the-clinic"] == [
        "Öppning av det som vården har beslutat: vid enheten som beslutade om åtgärden, enheten som har tagit över den "
        "eller barn- och ungdomskliniken."
    ]
    assert said["urgent-block-at-the-clinic"] == [
        "Beslutas vid barn- och ungdomskliniken; nekas bara en enhet som man vet hör till en annan klinik."
    ]
