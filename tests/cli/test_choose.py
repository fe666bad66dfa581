"""`sigill rulebook choose`, as somebody at a terminal sees it."""

from typer.testing import CliRunner

from sigill.cli.rulebook import app

ASKED = ["choose", "vastra-gotaland", "--age", "9", "--risk", "one_guardian", "--on", "2026-04-10"]


def test_it_names_form_sentence_and_what_another_form_leaves_open() -> None:
    told = CliRunner().invoke(app, [*ASKED, "--sign", "e_id_controlled", "--form", "block_guardians"])
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0] == "Blankett: Försegling av barns konto och journal."
    assert any(line.startswith("  VGB-11: Försegling väljs när") for line in lines)
    assert (
        "! Öppnas när patienten fyller 13: den som kommer åt patientens inloggning når e-tjänsterna på 1177."
        in lines
    )


def test_it_says_in_english_that_the_rules_say_nothing_and_that_a_form_is_not_offered() -> None:
    asked = ["choose", "jamtland-harjedalen", "--age", "40", "--form", "seal_child", "--english"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0
    assert told.stdout.startswith("The region's rules do not say which measure to choose here.")
    assert "! seal_child: The region does not offer that form." in told.stdout
