"""`sigill topics list`: the table, for people and for programs."""

import json

from typer.testing import CliRunner

from sigill.cli.topics import app
from sigill_contracts.topics import TOPICS


def test_the_list_as_json_has_every_topic_with_its_settings() -> None:
    said = CliRunner().invoke(app, ["list", "--json"])
    assert said.exit_code == 0
    listed = {one["name"]: one for one in json.loads(said.stdout)}
    assert listed.keys() == {spec.name for spec in TOPICS}
    for spec in TOPICS:
        one = listed[spec.name]
        assert (one["partitions"], one["config"]) == (spec.partitions, spec.config)
        assert (one["written_by"], one["read_by"]) == (list(spec.written_by), list(spec.read_by))


def test_the_list_for_people_has_a_heading_and_a_line_a_topic() -> None:
    lines = CliRunner().invoke(app, ["list"]).stdout.splitlines()
    assert lines[0].startswith("TOPIC ")
    assert [line.split()[0] for line in lines[1:]] == [spec.name for spec in TOPICS]
