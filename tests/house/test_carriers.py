"""An order on its way from the record to the receipt: which classes hold it, as the page of the architecture lists them."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 13
"""Classes between the record and the receipt."""
ROOMS = ("stream", "consumer", "intake", "judgement", "processing")
"""The rooms that an order goes through. What the store reads back, pages and commands hold it for others."""
BESIDE = {
    "PoisonRecordError": "the fault of a record",
    "ReadMessage": "a message of the register or the directory",
    "ParsedBatch": "a batch of those",
    "VerifiedBatch": "a batch of messages",
    "UnitOfWork": "what a transaction judges by, with the answers that it has given",
    "Changeset": "everything that a transaction is going to write",
    "RejectedMessage": "instead of a verified one",
    "UnreadableMessage": "instead of a verified one",
}
"""Classes of these rooms that hold a record or a form and are worn by no order that is judged, each with what it is."""


def _listed() -> dict[str, str]:
    """The classes of the page's table, in order, each with the file that makes it."""
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    table = page.partition("## What an order is on its way")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \|[^|]*\| `([\w/.]+)` \|$", table, re.MULTILINE))


def _holding(carriers: set[str]) -> dict[str, set[str]]:
    """The public classes of the rooms with a field, or a parameter of their making, that is one of the carriers."""
    found: dict[str, set[str]] = {}
    for room in ROOMS:
        for path in sorted((ROOT / "workers/sigill" / room).rglob("*.py")):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    held = {
                        word
                        for annotation in _annotations(node)
                        for word in re.findall(r"[\w.]+", ast.unparse(annotation))
                        if word in carriers
                    }
                    if held:
                        found[node.name] = held
    return found


def _annotations(node: ast.ClassDef) -> list[ast.expr]:
    fields = [field.annotation for field in node.body if isinstance(field, ast.AnnAssign)]
    made = [
        argument.annotation
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for argument in method.args.args
        if argument.annotation is not None
    ]
    return fields + made


def test_an_order_wears_no_more_classes_than_the_page_lists() -> None:
    listed = _listed()
    first, *between, last = listed
    assert (first, last) == ("Record", "Receipt")
    assert len(between) <= MOST
    unlisted = {
        name: held
        for name, held in _holding(set(listed)).items()
        if name not in listed and name not in BESIDE
    }
    assert unlisted == {}, "a class that holds an order on its way: list it, or do without"


def test_each_class_of_the_page_is_made_where_the_page_says() -> None:
    for name, path in _listed().items():
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"{path} makes no {name}"


def test_what_stands_beside_is_still_there() -> None:
    assert set(BESIDE) <= set(_holding(set(_listed())))
