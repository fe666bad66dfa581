"""
Structured logs in which nothing personal can stand.

Two fences, also for the libraries' own records and for exceptions: a value under a name of `NEVER_LOGGED` is
dropped, and whatever looks like a Swedish identity number is masked wherever it stands. What is left over:
a name or a motivation inside a free text. So log codes and ids, never texts; `log_message` does.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from sigill.runtime.clock import stopwatch

MASK = "[masked]"
DROPPED = "[dropped]"

NEVER_LOGGED = frozenset(
    """
    address authorization body bytes cookie database_url dsn email first_name form_text given_name guardian
    guardians headers id_number identity identity_number key last_name motivation name names patient
    patient_id patients payload person personal_identity personnummer phone record_key representative
    samordningsnummer secret set_cookie sql_parameters subject surname text token value viewer password
    """.split()
)

#: Numbers that may be long without being anybody's.
_COUNTS = frozenset(
    "offset next_offset lag position high_watermark bytes_read rows sequence generation pid port".split()
)

_SEPARATOR = r"(?:[-+.\s\u2010-\u2015\u2212]|%2[DBdb])?"
#: Twelve digits in a row, or ten that can begin with a date: no digest is worth letting those through.
_NUMBER_WITHIN = r"(?:[0-9]{12}|(?<![0-9])[0-9]{2}(?:0[0-9]|1[0-2])(?:[0-8][0-9]|9[01])[0-9]{4}(?![0-9]))"
_SENSITIVE = re.compile(
    rf"""
    (?P<pass>
        (?<![0-9a-fA-F])[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}(?![0-9a-fA-F])   # a UUID
      | (?<![0-9A-Za-z])SE[0-9]{{10,12}}-[0-9A-Z]{{1,18}}                                    # an HSA-id
      | (?<![0-9A-Za-z])(?=[0-9]*[a-f])(?![0-9a-f]*?{_NUMBER_WITHIN})                        # a digest, a trace id
        [0-9a-f]{{16,128}}(?![0-9A-Za-z])
      | (?<![0-9])[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:[.,][0-9]+)?)?  # a moment
    )
  | (?P<login> (?<=://) [^/\s:@]+ : [^/\s@]+ (?=@) )                                         # user:password@
  | (?<![0-9])
    (?:[0-9]{{2}})? [0-9]{{2}} {_SEPARATOR} [0-9]{{2}} {_SEPARATOR} [0-9]{{2}} {_SEPARATOR}
    (?: [0-9]{{4}} | (?<=[0-9]{{8}}) [0-9A-Zptf]{{4}} | (?<=[0-9]{{8}}-) [0-9A-Zptf]{{4}} )
    (?![0-9])
    """,
    re.VERBOSE,
)


def mask(text: str) -> str:
    """
    Replace every identity number in a text, 10 or 12 digits with or without separators, and logins in URLs.

    UUIDs, HSA-ids, digests and ISO moments are left. Rather one number too many than one too few.
    """
    return _SENSITIVE.sub(lambda found: found[0] if found["pass"] else MASK, text)


class MaskedStream:
    """
    A text stream that masks what is written to it: what a command says of its arguments repeats no number typed there.

    Lines of the log go past it (`plain`): they are masked already, value by value.
    """

    def __init__(self, plain: TextIO) -> None:
        self.plain = plain

    def write(self, text: str) -> int:
        """Write a text, masked; return how much of the text as it was given."""
        self.plain.write(mask(text))
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        """Write several texts, each masked."""
        for text in texts:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # bytes would go past the mask, as click writes where the stream is ASCII
            raise AttributeError(name)
        return getattr(self.plain, name)


def plain_errors() -> TextIO:
    """Standard error without a mask, for what has been masked already or must be whole."""
    return sys.stderr.plain if isinstance(sys.stderr, MaskedStream) else sys.stderr


_SHORT = 64
_TEN_DIGITS = 1_000_000_000
_mask_short = lru_cache(maxsize=4096)(mask)
"""Codes, topics and levels come again with each line."""


def _masked(text: str) -> str:
    return _mask_short(text) if len(text) <= _SHORT else mask(text)


def _clean(name: str | None, value: object) -> object:
    if name is not None and name.lower() in NEVER_LOGGED:
        return DROPPED
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    match value:
        case str():
            return _masked(value)
        case float():
            return value
        case int():
            # fewer than ten digits are nobody's number
            harmless = name in _COUNTS or -_TEN_DIGITS < value < _TEN_DIGITS
            return value if harmless or mask(str(value)) == str(value) else MASK
        case bytes():
            return f"{len(value)} bytes"
        case Mapping():
            return {_masked(str(key)): _clean(str(key), part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(None, part) for part in value]
        case _:
            return mask(str(value))


def drop_the_personal(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Clean every value of a log event; a structlog processor, which must stand after `format_exc_info`."""
    for name, value in event.items():
        if not name.startswith("_"):
            event[name] = _clean(name, value)
    return event


SPARING_SECONDS = 10.0


class Sparing(logging.Filter):
    """
    Lets one line in `seconds` through from each place of a library: a client that cannot reach its broker says so at
    every try, a hundred times a second. The next line that is let through says how many were `left_out` before it.
    """

    def __init__(self, library: str, seconds: float, elapsed: Callable[[], float]) -> None:
        super().__init__()
        self._library = library
        self._seconds = seconds
        self._elapsed = elapsed
        self._places: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is to be written."""
        if record.name.partition(".")[0] != self._library:
            return True
        place, now = (record.pathname, record.lineno), self._elapsed()
        said, left_out = self._places.get(place, (-self._seconds, 0))
        if now - said < self._seconds:
            self._places[place] = (said, left_out + 1)
            return False
        self._places[place] = (now, 0)
        if left_out:
            record.left_out = left_out
        return True


def configure_logging(
    log_format: Literal["auto", "json", "console"] = "auto",
    level: str = "info",
    stream: TextIO | None = None,
) -> None:
    """
    Send all logs, ours and the libraries', through the fences to `stream` (default: stderr).

    `auto` is readable in a terminal and JSON, one object a line, anywhere else. Times are UTC.
    """
    out = stream or plain_errors()
    readable = log_format == "console" or (log_format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        drop_the_personal,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(out)
    handler.addFilter(Sparing("aiokafka", SPARING_SECONDS, stopwatch))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # at DEBUG these write keys, values and parameters; no level of ours may open that
    for library in ("aiokafka", "asyncpg", "httpx", "httpcore", "urllib3", "asyncio", "alembic"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            *(step for step in shared if not isinstance(step, structlog.stdlib.ExtraAdder)),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    _message_line.logger = structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            drop_the_personal,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    ).bind(logger=_MESSAGES)


_MESSAGES = "sigill.message"


class _MessageLine:
    """
    The logger of the line that every message has. It is configured once and takes no way round through `logging`, whose
    records, frames and formatters cost more than the line says; the fences are the same.
    """

    def __init__(self) -> None:
        self.logger: FilteringBoundLogger = structlog.get_logger(_MESSAGES)


_message_line = _MessageLine()


def log_message(
    *,
    order_id: str | None,
    form: str | None,
    region: str | None,
    outcome: str,
    codes: Sequence[str],
    steps_ms: Mapping[str, float],
    topic: str,
    partition: int,
    offset: int,
) -> None:
    """
    Write the one canonical line of a message: what it was, what became of it, and milliseconds a step.

    Only ids, codes and numbers: whatever is said elsewhere in the log, this line is enough to count by.
    """
    # as `logging` has it: a line that cannot be written stops nothing
    with contextlib.suppress(OSError, ValueError):
        _message_line.logger.info(
            "message",
            order_id=order_id,
            form=form,
            region=region,
            outcome=outcome,
            codes=list(codes),
            ms={step: round(spent, 2) for step, spent in steps_ms.items()},
            topic=topic,
            partition=partition,
            offset=offset,
        )
