"""
What is wrong in a rulebook's file, told where it stands there and in the rulebook's own words.

pydantic tells of a value once for every type that it might have been, and of an inherited entry once for every version
that inherits it; here one mistake is one fault. No file is opened.
"""

import difflib
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from sigill.policy.fault_lexicon import NO_TEXT, FaultText, Language, UnfitError, fault
from sigill.policy.yaml_reading import YamlLoader

Place: TypeAlias = tuple[int, int]
"""Line and column in a file, both from 1."""
Path: TypeAlias = tuple[int | str, ...]


MOST_FAULTS = 200
"""Of one validation that are named: finding the place of each goes through its neighbours, so that thousands would take minutes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake. `place` None: it stands nowhere in particular."""

    text: FaultText
    place: Place | None = None

    @property
    def what(self) -> str:
        """What is wrong, in English."""
        return self.text.en

    def __str__(self) -> str:
        """One line for people, in English."""
        return f"line {self.place[0]}, column {self.place[1]}: {self.what}" if self.place else self.what

    def within(self, file: object, language: Language = "en") -> str:
        """The same with the file's name, as editors and terminals open it."""
        where = f"{file}:{self.place[0]}:{self.place[1]}" if self.place else f"{file}"
        return f"{where}: {self.text.of(language)}"


class Misfits(ValueError):
    """Parts that do not fit together, each with its path in the parsed file."""

    def __init__(self, faults: Iterable[tuple[Path, FaultText]]) -> None:
        """Hold the faults."""
        self.faults = tuple(faults)
        super().__init__("; ".join(what.en for _, what in self.faults))


class Marks(YamlLoader):
    """Loads YAML and remembers where each mapping, list, key and value stands."""

    def __init__(self, text: str) -> None:
        """Read from a text."""
        super().__init__(text)
        self.of: dict[int, yaml.Node] = {}
        """By the identity of what was made of a node, which `kept` keeps alive."""
        self.kept: list[object] = []
        self.later: list[Fault] = []
        """Mistakes that are told where the rest can be read: else they follow from another."""

    def get_single_data(self) -> Any:
        """Make the one document of the text; None: there is none. Raises yaml.YAMLError."""
        node = self.get_single_node()
        return None if node is None else self._made(node)

    def _made(self, node: yaml.Node) -> Any:
        _refuse_twice(node)
        return self.construct_document(node)

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        """Make a day or a moment; one that no calendar has stays a text, and is told where a day is wanted."""
        try:
            return super().construct_yaml_timestamp(node)
        except (ValueError, OverflowError):
            return node.value

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make what a node says."""
        made = super().construct_object(node, deep)
        if isinstance(made, dict | list):
            self.of[id(made)] = node
            self.kept.append(made)
        return made

    def documents(self) -> Iterator[Any]:
        """Each document of the text, made. Raises yaml.YAMLError."""
        while self.check_node():
            node = self.get_node()
            if node is not None:
                yield self._made(node)

    def also(self, merged: object, source: object) -> None:
        """Say that something was made from a part of the file: it stands where that part stands."""
        if id(source) in self.of:
            self.of[id(merged)] = self.of[id(source)]
            self.kept.append(merged)

    def at_key(self, part: object, key: str) -> Place | None:
        """Where a key of a mapping stands, or else the mapping."""
        node = self.of.get(id(part))
        at = _child(node, key) or node
        return (at.start_mark.line + 1, at.start_mark.column + 1) if at is not None else None

    def place(self, raw: object, path: Path) -> Place | None:
        """Where the deepest part of a path stands that was written in this file."""
        found, part = self._begin(raw), raw
        for step in path:
            node = self.of.get(id(part))
            at = _child(node, step)
            if at is not None:
                found = at.start_mark
            following = _step(part, step)
            if following is None:
                break
            part = following
            begin = self._begin(part)
            if begin is not None and at is None:
                found = begin
        return (found.line + 1, found.column + 1) if found else None

    def _begin(self, part: object) -> yaml.Mark | None:
        node = self.of.get(id(part))
        return node.start_mark if node is not None else None


Marks.add_constructor("tag:yaml.org,2002:timestamp", Marks.construct_yaml_timestamp)


class TwiceError(yaml.MarkedYAMLError):
    """A key stands twice in one mapping, of which YAML keeps the last without a word. `problem`: the key."""


def _refuse_twice(root: yaml.Node) -> None:
    """Raise TwiceError for a key that stands twice. What an alias merges in (`<<`) is no second time."""
    open_, seen = [root], {id(root)}
    while open_:
        node = open_.pop()
        if isinstance(node, yaml.MappingNode):
            keys = set[tuple[str, str]]()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in keys:
                    raise TwiceError(None, None, key.value, key.start_mark)
                if isinstance(key, yaml.ScalarNode):
                    keys.add((key.tag, key.value))
        for part in _parts_of(node):
            if id(part) not in seen:
                seen.add(id(part))
                open_.append(part)


def _parts_of(node: yaml.Node) -> Iterable[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def unreadable(error: yaml.MarkedYAMLError) -> Fault:
    """What is wrong in a text that is no YAML, in words for one who wrote it by hand, with its place."""
    mark = error.problem_mark or error.context_mark
    place = (mark.line + 1, mark.column + 1) if mark else None
    problem = str(error.problem or error.context)
    if isinstance(error, TwiceError):
        return Fault(fault("key_twice", key=problem), place)
    for part, code in _NO_YAML:
        if part in problem:
            return Fault(fault(code), place)
    return Fault(fault("not_yaml", problem=problem), place)


_NO_YAML = (
    ("cannot start any token", "yaml_token"),
    ("found a tab character", "yaml_token"),
    ("expected '-' indicator", "yaml_indent"),
    ("expected key", "yaml_indent"),
    ("expected <block end>", "yaml_indent"),
    ("expected ',' or", "yaml_bracket"),
    ("mapping values are not allowed", "yaml_colon"),
    ("undefined alias", "yaml_alias"),
    ("unexpected end of stream", "yaml_quote"),
)


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((key for key, _ in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None


def _step(part: object, step: int | str) -> object | None:
    if isinstance(part, Mapping):
        return next((value for key, value in part.items() if str(key) == str(step)), None)
    if isinstance(part, list | tuple) and isinstance(step, int) and step < len(part):
        item: object = part[step]
        return item
    return None


def _exists(part: object, step: int | str) -> bool:
    if isinstance(part, Mapping):
        return any(str(key) == str(step) for key in part)
    return isinstance(part, list | tuple) and isinstance(step, int) and step < len(part)


def faults_of(error: ValidationError, raw: object, marks: Marks, model: type[BaseModel]) -> tuple[Fault, ...]:
    """
    The mistakes that a validation found, each once, in the file's order; of very many the first, and how many more.

    `raw`: what was validated, as `model`.
    """
    found: dict[tuple[Place | None, FaultText], Fault] = {}
    for path, what in _told(error, raw, model):
        place = marks.place(raw, path)
        found.setdefault((place, what), Fault(what, place))
    if (more := error.error_count() - MOST_FAULTS) > 0:
        what = fault("more_faults", more=more, named=MOST_FAULTS)
        found[None, what] = Fault(what)
    return tuple(sorted(found.values(), key=lambda one: one.place or (0, 0)))


def _told(error: ValidationError, raw: object, model: type[BaseModel]) -> Iterator[tuple[Path, FaultText]]:
    paths: list[tuple[Path, bool, Any]] = []
    for each in error.errors()[:MOST_FAULTS]:
        path, forked = _path_of(each["loc"], raw)
        paths.append((path, forked, each))
    paths.sort(
        key=lambda one: one[2]["type"] not in ("enum", "literal_error")
    )  # what names the words says best
    above = {path[:length] for path, _, _ in paths for length in range(len(path))}
    said: set[Path] = set()
    meant = {
        (*path[:-1], near)
        for path, _, each in paths
        if each["type"] == "extra_forbidden" and (near := nearest(str(path[-1]), _keys_at(model, path[:-1])))
    }
    for path, forked, each in paths:
        deeper = path in above
        if each["type"] == "missing" and path in meant:
            continue  # it stands there misspelt
        if (deeper and (forked or each["type"] == "too_short")) or (path in said and forked):
            continue  # what another of the types that the value might have been says better
        said.add(path)
        misfits = (each.get("ctx") or {}).get("error")
        if isinstance(misfits, Misfits):
            yield from misfits.faults
        else:
            yield path, _words(each, path, raw, model)


def _path_of(loc: Path, raw: object) -> tuple[Path, bool]:
    """A path without the names of types, and whether there were any: then the value might have been several things."""
    path: list[int | str] = []
    part, forked = raw, False
    for number, step in enumerate(loc):
        if _exists(part, step):
            path.append(step)
            part = _step(part, step)
        elif (
            number == len(loc) - 1
            and isinstance(step, str)
            and isinstance(part, Mapping)
            and step.isidentifier()
        ):
            path.append(step)  # a key that is missing
        else:
            forked = True
    return tuple(path), forked


def _words(each: Any, path: Path, raw: object, model: type[BaseModel]) -> FaultText:
    where = ".".join(str(step) for step in _named(path, raw))
    what = _what(each, path, raw, model)
    file = fault("the_file")
    return what.after(where) if where else FaultText(f"{file.sv}: {what.sv}", f"{file.en}: {what.en}")


def _what(each: Any, path: Path, raw: object, model: type[BaseModel]) -> FaultText:
    given, more = each["input"], each.get("ctx") or {}
    match each["type"]:
        case "extra_forbidden":
            return fault("no_such_key", key=path[-1]).then(
                meant_of(str(path[-1]), _keys_at(model, path[:-1]))
            )
        case "missing":
            if path[-1] == "forms" and "entries" in path:
                return fault("patches_nothing")
            return fault("missing")
        case "enum" | "literal_error":
            told = isinstance(given, str | int | float)
            what = fault("unknown_word", word=given) if told else fault("unfit_value")
            return what.then(meant_of(str(given), _words_at(model, path) | _declared_at(path, raw)))
        case "too_short":
            return fault("list_of_at_least", least=more["min_length"])
        case "string_pattern_mismatch":
            written = _WRITTEN.get(more["pattern"])
            if written is not None:
                return fault("want_written", word=given).then(fault(written))
            return fault("want_pattern", word=given, pattern=more["pattern"])
        case "string_too_short":
            return fault("want_some_text")
        case "greater_than_equal":
            return fault("want_at_least", least=more["ge"])
        case "less_than_equal":
            return fault("want_at_most", most=more["le"])
    if each["type"] in _WANTED:
        return fault(_WANTED[each["type"]])
    unfit = more.get("error")
    if isinstance(unfit, UnfitError):
        return unfit.text
    return fault("other_value", message=str(each["msg"]).removeprefix("Value error, "))


_WRITTEN = {
    r"^[a-z][a-z0-9-]*$": "written_code",
    r"^[a-z0-9]+(-[a-z0-9]+)*$": "written_code",
    r"^[a-z][a-z0-9_]*$": "written_word",
    r"^[a-z][a-z0-9_-]*$": "written_word",
    r"^([01]\d|2[0-3]):[0-5]\d$": "written_clock",
    r"^\d{10}$": "written_organisation",
}

_WANTED = {
    "bool_parsing": "want_truth",
    "bool_type": "want_truth",
    "int_parsing": "want_number",
    "int_type": "want_number",
    "int_from_float": "want_number",
    "string_type": "want_text",
    "date_type": "want_day",
    "date_parsing": "want_day",
    "date_from_datetime_parsing": "want_day",
    "date_from_datetime_inexact": "want_day",
    "tuple_type": "want_list",
    "dict_type": "want_mapping",
    "model_type": "want_mapping",
    "model_attributes_type": "want_mapping",
}


_OF_VERSION = 2
"""So many steps lead into a version: the fault's place says which."""


def _named(path: Path, raw: object) -> Iterator[int | str]:
    """A path in the owner's words: an entry by its id, whichever version inherits it."""
    part = raw
    for number, step in enumerate(path):
        part = _step(part, step)
        if number < _OF_VERSION and len(path) > _OF_VERSION and path[0] == "versions":
            continue
        if step in ("entries", "standing", "shown", "choices") and len(path) > number + 1:
            continue
        name = None
        if isinstance(step, int) and isinstance(part, Mapping):
            name = part.get("id") or part.get("since")
        yield str(name) if name is not None else step


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like one that is not known; None: none is."""
    return next(iter(difflib.get_close_matches(name, sorted(known), 1, 0.5)), None)


def meant_of(name: str, known: Iterable[str]) -> FaultText:
    """The nearest of the known names, and all of them."""
    allowed = sorted(known)
    near = nearest(name, allowed)
    found = fault("nearest", near=near) if near else NO_TEXT
    return found.then(fault("allowed", allowed=", ".join(allowed))) if allowed else found


def _keys_at(model: type[BaseModel], path: Path) -> set[str]:
    keys: set[str] = set()
    for kind in _types_at(model, path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            keys |= {field.alias or name for name, field in kind.model_fields.items()}
    return keys


def _words_at(model: type[BaseModel], path: Path) -> set[str]:
    found: set[str] = set()
    for kind in _types_at(model, path):
        if get_origin(kind) is Literal:
            found |= {str(word) for word in get_args(kind)}
        elif isinstance(kind, type) and issubclass(kind, Enum):
            found |= {str(member.value) for member in kind}
    return found


def _declared_at(path: Path, raw: object) -> set[str]:
    """The words that the file itself declares for a place: its own attestations."""
    own = raw.get("attestations") if isinstance(raw, Mapping) else None
    if isinstance(own, Mapping) and {"attestations", "one_attestation_of"} & set(path):
        return {str(word) for word in own}
    return set()


def _types_at(model: type[BaseModel], path: Path) -> list[Any]:
    kinds: list[Any] = [model]
    for step in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return kinds


def _inside(kind: Any, step: Hashable) -> Iterator[Any]:
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step in (name, field.alias):
                yield from _plain(field.annotation)
    elif origin in (tuple, list) and isinstance(step, int):
        yield from _plain(args[0])
    elif origin in (dict, Mapping):
        # a key that is wrong is told at the key itself
        yield from (*_plain(args[1]), *_plain(args[0]))


def _plain(kind: Any) -> Iterator[Any]:
    """The types of a union, `Annotated` left out."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _plain(args[0])
    elif origin is Union or type(kind).__name__ == "UnionType":
        for argument in args:
            yield from _plain(argument)
    else:
        yield kind
