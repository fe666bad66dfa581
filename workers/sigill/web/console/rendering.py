"""Pages from templates: the reader's language, Swedish time, and nothing that is not escaped."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sigill.operations.operators import ConsoleRole
from sigill.policy.calendar import STOCKHOLM
from sigill.policy.console_lexicon import word
from sigill.policy.console_phrases import phrase
from sigill.policy.effects import Sentence
from sigill.web.console.returned_forms import returned_form
from sigill.web.console.sessions import Session

HERE = Path(__file__).parent
LANGUAGE, THEME = "sigill_language", "sigill_theme"
LANGUAGES, THEMES = ("sv", "en"), ("auto", "light", "dark")
MASK = "••••••••••••"
"""Stands for an identity number. The same for all, so that it says nothing."""


def language_of(request: Request) -> str:
    """The chosen language, else the browser's, else Swedish."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    wanted = request.headers.get("accept-language", "").lower().replace(" ", "").split(",")
    return next((part[:2] for part in wanted if part[:2] in LANGUAGES), "sv")


def theme_of(request: Request) -> str:
    """The chosen theme; `auto` follows the system."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in THEMES else "auto"


class Pages:
    """Renders the console's templates."""

    def __init__(self, globals_: Mapping[str, Any] | None = None) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            t=_t, say=_say, word=_word, phrase=_phrase, number=_number, ago=_ago, span=_span, MASK=MASK, Role=ConsoleRole,
            typed=_typed, ticked=_ticked, fault_of=_fault_of,
            **(globals_ or {}),
        )  # fmt: skip
        self._templates.filters.update(moment=_moment, clock=_clock, day=_day, machine=_machine)

    def page(
        self,
        request: Request,
        template: str,
        session: Session | None,
        now: datetime,
        status: int = 200,
        **values: object,
    ) -> Response:
        """Return a page, or the part of one that a template is for; with the form that could not be taken, its status."""
        returned = returned_form(request)
        if returned is not None and status == 200:
            status = returned.status
        text = self._templates.get_template(template).render(
            request=request,
            path=request.url.path,
            session=session,
            operator=session.operator if session else None,
            csrf=session.csrf if session else "",
            now=now,
            language=language_of(request),
            theme=theme_of(request),
            returned=returned,
            **values,
        )
        return HTMLResponse(text, status, headers={"Vary": "Cookie, HX-Request"})


@pass_context
def _t(context: Context, sv: str, en: str) -> str:
    return sv if context["language"] == "sv" else en


@pass_context
def _say(context: Context, sentence: Any) -> str:
    """What a sentence, refusal, citation or the like says in the reader's language."""
    return str(sentence.sv if context["language"] == "sv" else sentence.en)


@pass_context
def _word(context: Context, kind: str, value: object) -> str:
    return word(kind, str(value), context["language"])


@pass_context
def _phrase(context: Context, text: str) -> str:
    return phrase(text, context["language"])


@pass_context
def _typed(context: Context, form: str, name: str, default: object = "") -> str:
    """What somebody typed into a field of the form that comes back; `default` in any other."""
    returned = context["returned"]
    return returned.first(name) if returned is not None and returned.form == form else str(default)


@pass_context
def _ticked(context: Context, name: str, value: object) -> bool:
    """Whether a box was ticked in the form that comes back."""
    returned = context["returned"]
    return returned is not None and str(value) in returned.values.get(name, ())


@pass_context
def _fault_of(context: Context, form: str, name: str) -> Any:
    """What to mend in a field of a form; None: nothing."""
    returned = context["returned"]
    return returned.faults.get(name) if returned is not None and returned.form == form else None


@pass_context
def _number(context: Context, value: float, digits: int = 0) -> str:
    """A number as the language writes it: 3 214,5 and 3,214.5."""
    text = f"{value:,.{digits}f}"
    return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",") if context["language"] == "sv" else text


@pass_context
def _ago(context: Context, moment: datetime) -> str:
    """How long ago, or how long ahead, in one or two units."""
    return _span(context, (context["now"] - moment).total_seconds())


@pass_context
def _span(context: Context, seconds: float) -> str:
    """A duration in its two largest units; seconds alone only below a minute."""
    hours = "tim" if context["language"] == "sv" else "h"
    left = abs(int(seconds))
    if left < 60:
        return f"{left}\N{NO-BREAK SPACE}s"
    if left >= 730 * 86_400:
        return f"{left // (365 * 86_400)}\N{NO-BREAK SPACE}{'år' if context['language'] == 'sv' else 'years'}"
    parts: list[str] = []
    for size, name in ((86_400, "d"), (3_600, hours), (60, "min")):
        if left >= size:
            parts.append(f"{left // size}\N{NO-BREAK SPACE}{name}")
            left %= size
        elif parts:
            break
    return " ".join(parts[: 1 if abs(seconds) >= 60 * 86_400 else 2])


def _moment(value: datetime) -> str:
    """Swedish time, to the minute."""
    return value.astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M")


def _clock(value: datetime) -> str:
    """Swedish time of day, with seconds."""
    return value.astimezone(STOCKHOLM).strftime("%H:%M:%S")


def _machine(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(value: date | datetime) -> str:
    return (value.astimezone(STOCKHOLM).date() if isinstance(value, datetime) else value).isoformat()


def said(sentence: Sentence, request: Request) -> str:
    """A sentence in the reader's language."""
    return sentence.sv if language_of(request) == "sv" else sentence.en
