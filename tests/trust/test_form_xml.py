"""The form as XML says the same as the JSON one."""

import types
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pydantic import BaseModel

from sigill.trust.form_xml import FLAGS, GROUPS, LISTS, NotAForm, form_of, xml_of
from sigill_contracts.order import SignedForm


def parts(model: type[BaseModel], path: str = "") -> typing.Iterator[tuple[str, str]]:
    """Walk a model's fields: (path, list | flag | group), none for texts."""
    for name, field in model.model_fields.items():
        for kind in options(field.annotation):
            below = f"{path}{name}"
            member = kind
            if typing.get_origin(kind) is tuple:
                yield below, "list"
                member = options(typing.get_args(kind)[0])[0]
            elif kind is bool:
                yield below, "flag"
            if isinstance(member, type) and issubclass(member, BaseModel):
                yield below, "group"
                yield from parts(member, f"{below}/")


def options(annotation) -> list:
    """The kinds that a field may have, without None and annotations."""
    if typing.get_origin(annotation) is typing.Annotated:
        return options(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return [o for a in typing.get_args(annotation) if a is not type(None) for o in options(a)]
    return [annotation]


def test_the_lists_and_flags_are_those_of_the_contract():
    found = set(parts(SignedForm))

    assert {path for path, kind in found if kind == "list"} == LISTS
    assert {path for path, kind in found if kind == "flag"} == FLAGS
    assert {path for path, kind in found if kind == "group"} == GROUPS


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
FORMS = st.fixed_dictionaries(
    {},
    optional={
        "order_id": TEXT,
        "motivation": TEXT,
        "urgent": st.booleans(),
        "given": st.booleans(),
        "units": st.lists(TEXT, min_size=1, max_size=3),
        "guardians": st.lists(st.fixed_dictionaries({"id": TEXT, "id_type": TEXT}), min_size=1, max_size=3),
        "court_order": st.fixed_dictionaries(
            {"court": TEXT, "duties": st.lists(TEXT, min_size=1, max_size=2)}
        ),
        "references": st.lists(
            st.fixed_dictionaries({"kind": TEXT, "id": TEXT, "sha256": TEXT}), min_size=1, max_size=2
        ),
        "inform": st.fixed_dictionaries({}, optional={"guardians": st.booleans(), "patient": st.booleans()}),
    },
)


@given(FORMS)
def test_a_form_comes_back_as_it_went(form):
    text = etree.tostring(xml_of(form), encoding="UTF-8")

    assert form_of(etree.fromstring(text)) == form


def read(fields: str) -> dict:
    return form_of(
        etree.fromstring(
            '<order xmlns="urn:sigill:order:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"{fields}</order>"
        )
    )


def test_a_group_without_fields_is_an_empty_group():
    """A record system writes `<inform/>` where nobody chose anything; an order must not be refused for it."""
    assert read("<inform/>") == read("<inform> </inform>") == {"inform": {}}
    assert read("<patient/>") == {"patient": {}}


def test_null_is_left_out_or_nil():
    assert read("") == {}
    assert read('<units xsi:nil="true"/>') == {"units": None}


def test_a_schema_location_is_not_followed():
    root = xml_of({"form": "seal_journal"})
    root.set(
        "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "urn:sigill:order:1 http://127.0.0.1:9/"
    )

    assert form_of(root) == {"form": "seal_journal"}


def test_white_space_between_fields_means_nothing_and_inside_everything():
    assert read("\n  <form> seal_journal </form>\n") == {"form": " seal_journal "}


def test_a_list_of_one_is_a_list():
    assert read("<units>A</units>") == {"units": ["A"]}
    assert read("<references><kind>report</kind><id>1</id></references>") == {
        "references": [{"kind": "report", "id": "1"}]
    }
    assert read("<inform><guardians>1</guardians></inform>") == {"inform": {"guardians": True}}


def test_what_no_form_has_goes_through_to_be_refused_by_name():
    assert read("<surprise>x</surprise><urgent>maybe</urgent>") == {"surprise": "x", "urgent": "maybe"}


@pytest.mark.parametrize(
    "fields",
    [
        "text",
        "<form>a</form>text",
        "<form>a</form><form>b</form>",
        "<inform><patient>1</patient><patient>0</patient></inform>",
        '<units xsi:nil="true">A</units>',
        '<units xsi:nil="true"/><units>A</units>',
        '<form version="1">a</form>',
        '<form xmlns="urn:x">a</form>',
        "<patient>text<id>1</id></patient>",
        "<form>a<?pi?></form>",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_form(fields: str):
    with pytest.raises(NotAForm):
        read(fields)
