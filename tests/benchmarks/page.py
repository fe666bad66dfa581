"""
The page of figures, docs/performance.md, and its plots, from what was measured: docs/performance.json.

Each part bears its own time, since parts are measured alone too. A `remark` written into the figures stands beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "sigill"  # the same figures give the same file

from matplotlib import pyplot as plt  # noqa: E402 (after the choice of what draws)

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "performance.json"

INTRODUCTION = """\
# How fast

`make bench` measures everything on this page and rewrites it. All of it ran on one machine: a real Kafka broker, a
PostgreSQL with `fsync`, `full_page_writes` and `synchronous_commit` on, the workers, and what measures them, sharing
the same cores. *Load* beside a figure is the machine's load average when its measuring began; where it is far above what
the measuring itself needs, the machine was busy with other things, and the figure is too low. *Pace* is what one bare
verification of a signature took when a part began (ECDSA, P-256; processor time): this machine is shared, and not as fast
on one day as on another. Costs told in paces can be compared with another machine's. The figures themselves are in [performance.json](performance.json).

Nothing was bought with a weaker guarantee: one transaction a batch with the offsets in it, each patient's receipts in
the order of its orders (every run checks it, and fails otherwise), every answer durable before it is published.
"""

LIMITS = """\
## What limits

The cores do. "Cores in use" says of each run who used them. One intake process is one Python process: when it uses a
whole core, that is its limit, and a second process on another core is the way on, as partitions allow. On a machine
whose cores are all in use by intake, relay, PostgreSQL and Kafka together, more processes only wait for each other.

`python -m tests.benchmarks.cost` tells the processor time of an order by worker, which a busy machine distorts least;
`--profile FOLDER` writes a profile of each. The largest parts of what the intake does with an order, by cProfile: who is
told and how it reads, a fifth; rows for some fifteen tables and the outbox, a seventh; whose access has changed, a
tenth; the receipt, a fourteenth; the effects of the form and the objections to it, a twentieth each; the log line, a
thirtieth. Beside these the signature with its chain and revocation, in a thread of its own.

How long one order waits is another question: a transaction makes 35 statements one after another, however many orders it takes
(counted on 2026-11-30, begin and commit among them: 10 for offsets, people, claims and what waits, 13 for the facts, 12 for the
deeds), and each is a turn to the database and back. A batch shares them, so that a backlog hardly feels them; at 100 orders a
second they are most of the time to the receipt. Where all cores are taken by others, each turn waits for its turn: with a load of
14 to 16 on two cores 20 orders a second took 4.3 s each (median), and the bare loop, of three statements, 65 ms.

Not done: verifying the next batch beside the transaction of this one. It saves no processor time, only waiting, and whether it
does can be seen on a quiet machine alone.
"""

TRIED = """\
## Tried

On 2026-11-30, on a machine that was busy with test suites (load 15 to 27): processor time of one piece of work, the least of
several tries, before and after turn about. No whole run on a quiet machine was made since: the figures above are from before
these changes where they bear an earlier day, and how many orders a second, latency and paces an order come of them is not
measured yet.

| kept | before, µs | after, µs |
| --- | ---: | ---: |
| judging a lock, to its messages | 1,490 | 960 to 1,020 |
| judging a seal of the record | 1,360 to 1,570 | 900 to 1,060 |
| judging a block, with eight messages | 2,480 to 2,980 | 1,770 to 2,230 |
| judging a seal of 200 units, with 202 messages | 48,800 to 49,800 | 36,500 to 38,400 |
| judging a lock after twenty seals of 200 units | 782,000 to 840,000 | 7,700 to 11,100 |
| the log line of a message | 105 | 41 |
| handing a filed order to the database driver: COPY, not arrays | 22 | 9 |
| reading the envelope of an order, and counting it by its source | 63 | 22 |
| the report of its signature, to be filed | 23 | 6 |
| the Swedish date of a moment, of which a dozen are asked | 0.6 | 0.1 |
| a UUID object for the database driver, eight an order: it takes text | 1.3 | none |
| headers, size and record of an event at the relay | 10.3 | 7.4 |
| judging an order of the benchmark's kinds, to its messages (load 20 to 28) | 1,550 to 1,970 | 1,250 to 1,580 |

Judging asks only the lines that an order or a timer can have changed, asks for yes or no, and for reasons where the answer has
changed; the notices of one order share the answers that they ask, and so does whoever publishes the changes. The log line
takes no way round through `logging`. The relay is woken by the database when events are written, and asks an empty outbox twice a second, not fifty times.

Thrown away: making our own messages without validating them. `model_construct` is written in Python and costs three to five times
what the validation does (a receipt 110 against 20 µs, a change 21 against 4, a person 23 against 9). Compiling the policy with
mypyc: 1.60 against 1.59 ms an order. Looking at an event's headers in one piece before they are packed: 4.3 µs either way. Keeping
each person's reference: 5 µs an order, and identity numbers would stay in memory.

Thrown away the same evening, with no gain that could be told from the noise of that machine (a tenth): `cached_property` without
its lock, and copying frozen values by a kept list of their fields. Rows of orders and answers of up to 8 KB kept in their table, and not
beside it: 26 µs of PostgreSQL's an order for each of the two, and each row fills a page that every list and every count then
reads. Digests of `receipt` from its bytes and not from the row's text: 20 µs, and every history would have had a new shape.

On 2026-12-01 (load 12 to 22) two more steps were measured on their own, on rows that an intake had just written (400 answers, 1,500 events),
in plain tables of the same columns and indexes, without triggers and partitions; the least of eight tries, turn about. Neither is kept, since
a step had to save 2 % of an order's processor time, and an order of 59 paces of 80 µs takes 4,700 µs. First answers by COPY: PostgreSQL's
part 73 to 55 µs, the worker's 25 to 23, together 0.4 %. Headers of events stored as they are (`STORAGE EXTERNAL`): PostgreSQL's part 17.3 to 16.0 µs
an event, some 6 an order, 0.1 %; the write-ahead log was as large, so that hardly any had been packed, and the change would have
locked the outbox. No whole run against equal work was made with either, and the goal of 15 paces is not reached.

By cProfile on the intake that day (1,500 orders, waiting left out; it makes calls look dearer than they are) no function has a large share of
its own: validating our own messages 4 %, writing them as JSON 4, making UUID objects 2 (thirteen an order), cached properties 2, copies of
frozen values 2. With what they call, judging takes 45 % (of this the notices 21), writing rows 12, the receipt 7. Fewer UUID
objects and fewer copies were not tried. A text is made for a notice that is held back, too: its record has it.

Where an order's processor time went then, by py-spy on the intake (load 13, 55 orders a second): judging 24 % (of this the notices 11),
signature, unwrapping and the form 20 (of this the bare verification 5), rows and events 13, the changes of access 8, the receipt 6,
the filed order 3, the log line 2; the rest is the driver, Kafka's client and the loop. Our own messages, validated and written as
JSON: 10, counted among these. Of PostgreSQL's time in statements the outbox took 23 %, the answers 25, the filed order
23 and measures, tasks and claims 16; an order writes 40 KB to the write-ahead log, 19 of them its 4.8 events. Of a birthday's ten events PostgreSQL's
share was small, and judging the rest: larger transactions would gain nothing there.
"""


LOOKS = """\
## A line of the access log

`python -m tests.benchmarks.access_log_bytes`, bytes a look as the decision API writes them (random patients of 500,000, five clients): the line
itself, its indexes, its share of the audit chain's entry, and what goes through the write-ahead log. Single questions are
written one at a time; under load a few to some dozens together.

| looks together | | line | indexes | chain | disk | write-ahead log |
| ---: | --- | ---: | ---: | ---: | ---: | ---: |
| 1 | one table | 294 | 165 | 341 | 800 | 1,162 |
| 1 | a partition a month | 258 | 56 | 308 | 622 | 963 |
| 1 | a month's texts once | 105 | 69 | 308 | 482 | 834 |
| 3 | one table | 294 | 151 | 167 | 612 | 883 |
| 3 | a partition a month | 259 | 51 | 135 | 444 | 711 |
| 3 | a month's texts once | 97 | 57 | 132 | 285 | 536 |
| 20 | one table | 294 | 102 | 107 | 504 | 744 |
| 20 | a partition a month | 258 | 42 | 61 | 361 | 587 |
| 20 | a month's texts once | 97 | 49 | 62 | 208 | 414 |

Half and more where looks are written together; of one that comes alone, two thirds of what is left is its entry in the audit chain. The digest
stands in the chain alone, in 128 bits; three indexes keep a number, a patient and a moment once; actor, unit and reason are one
number, and what was shown is another, with the person beside the patient apart. The texts are in the figures: of sixty thousand
looks of two hundred units, of twenty thousand that come alone.

The upgrade of a log that is there, measured once: a million lines (479 MB) were proven to lie before their bound in 1.7 s while lines were written and read, and became a partition in 0.2 s, for which whoever
writes a line waits.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown; everything after the first column to the right."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def read(results: Path = RESULTS) -> dict[str, Any]:
    """What was measured so far, by part."""
    return json.loads(results.read_text("utf-8")) if results.exists() else {}


def keep(found: Mapping[str, Any], results: Path = RESULTS) -> None:
    """Keep what was measured."""
    results.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def text(found: Mapping[str, Any]) -> str:
    """The page."""
    parts = [INTRODUCTION, *_goals(found)]
    for name, told in _PARTS.items():
        if name in found:
            heading, *rest = told(found[name])
            parts += [heading, _measured(found[name]), *rest]
    parts += [LOOKS, LIMITS, TRIED, _elsewhere()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _goals(found: Mapping[str, Any]) -> list[str]:
    """What is wanted, and what the last run of each part found; a part that was not measured so yet has no figure."""
    rows = [
        (goal, wanted, *_found(found.get(part), figure))
        for goal, wanted, part, figure in (
            ("orders a second, to equal work", "0.6", "pace", _of_equal_work),
            ("paces an order, all processes", "15", "pace", lambda got: got["medians"]["Sigill"]["all"]),
            (
                "order to receipt at 100 a second, p50 to a bare loop",
                "2",
                "intake",
                partial(_late, name="p50"),
            ),
            ("the same, p99", "3", "intake", partial(_late, name="p99")),
            ("paces a timer's event, all processes", "4", "transitions", lambda got: got["paces_an_event"]),
            (
                "a decision at 1000 a second, p99 to a bare server, warm",
                "2",
                "decisions",
                partial(_asked, kind="warm"),
            ),
            ("the same, cold", "4", "decisions", partial(_asked, kind="cold")),
            ("processor time of an order, two intakes to one", "1.1", "intake", _two_to_one),
            ("the 5,000th order of a patient, to the sixth", "1", "history", _grown),
        )
    ]
    return [
        "## Goals",
        "Ratios are to what nobody can do without, measured in the same run turn about; costs are in paces. *Equal work*, the bare "
        "loop and the bare server are described where they stand.",
        table(["goal", "wanted", "found", "when", "load"], rows),
    ]


def _found(
    part: Mapping[str, Any] | None, figure: Callable[[Mapping[str, Any]], float]
) -> tuple[str, str, str]:
    try:
        return ("", "", "") if part is None else (f"{figure(part):.2g}", part["when"], f"{part['load']:.0f}")
    except KeyError:  # measured before there was such a figure
        return "", "", ""


def _of_equal_work(got: Mapping[str, Any]) -> float:
    return float(got["ratios"]["equal work"]["rate"])


def _late(got: Mapping[str, Any], *, name: str) -> float:
    took = got["latency"]["100"]
    return float(took[name] / took[f"bare {name}"])


def _asked(got: Mapping[str, Any], *, kind: str) -> float:
    largest = max(got["places"], key=lambda place: got["places"][place][0])
    return float(got["latency"][kind][largest][2] / got["latency"]["bare"][largest][2])


def _two_to_one(got: Mapping[str, Any]) -> float:
    return float(got["scale"]["2"]["each"]["all"] / got["scale"]["1"]["each"]["all"])


def _grown(got: Mapping[str, Any]) -> float:
    places = got["places"]
    first, last = (places[str(number(map(int, places)))]["order, ms"] for number in (min, max))
    return float(last / first)


def write(found: Mapping[str, Any]) -> Path:
    """Write the page and its plots; returns the page."""
    for name, drawn in _PLOTS.items():
        if name in found:
            drawn(found[name])
    page = DOCS / "performance.md"
    page.write_text(text(found), encoding="utf-8")
    return page


def _measured(part: Mapping[str, Any]) -> str:
    pace = f" Pace {part['pace']:.0f} µs." if "pace" in part else ""
    remark = f"\n\n{part['remark']}" if "remark" in part else ""
    return f"Measured {part['when']} on {part['machine']}.{pace}{remark}"


def _draw_intake(got: Mapping[str, Any]) -> None:
    _bars(
        "bench-intake",
        "orders a second",
        {"floor": got["floor"], "Sigill": got["intake"], "plain handler": got["plain"]},
    )
    _lines(
        "bench-scale",
        "intake processes",
        "orders a second",
        {int(k): v["intake"] for k, v in got["scale"].items()},
    )


def _intake(got: Mapping[str, Any]) -> list[str]:
    rounds = got["rounds"]
    sizes = [size for one in rounds for name, size in one["rss"].items() if name.startswith("intake")]
    head = [
        "run",
        "Sigill, orders/s",
        "floor, orders/s",
        "plain handler, orders/s",
        "of the floor",
        "times plain",
        "load",
    ]
    rows = [
        [
            number + 1,
            f"{one['intake']:.0f}",
            f"{one['floor']:.0f}",
            f"{one['plain']:.0f}",
            f"{one['intake'] / one['floor']:.2f}",
            f"{one['intake'] / one['plain']:.1f}",
            f"{one['load']:.1f}",
        ]
        for number, one in enumerate(rounds)
    ]
    median = [
        "median",
        f"**{got['intake']:.0f}**",
        f"{got['floor']:.0f}",
        f"{got['plain']:.0f}",
        f"**{got['of_floor']:.2f}**",
        f"**{got['times_plain']:.1f}**",
        "",
    ]
    return [
        "## Intake",
        "`python -m tests.benchmarks.intake`. From the signed order on its topic to the receipt on its own, "
        f"{got['orders']} orders a run (locks, seals, blocks, grants, releases), one intake process and one relay. The "
        "*floor* consumes the same messages, verifies them with the bare library call, validates and inserts them in "
        "bulk, and does nothing else. The *plain handler* is a FastStream subscriber that does the same job with one "
        "transaction a message, and without outbox or relay. Ratios are medians of the runs' own.",
        table(head, [*rows, median]),
        "![Orders a second](img/bench-intake.svg)",
        f"Largest resident memory of an intake process: {max(sizes) / 1e6:.0f} MB.",
        "Cores in use in the last run: " + _cores(rounds[-1]["cpu"]) + ".",
        _what_it_would_take(got),
        "### Latency",
        "From the beat on which an order is published to the broker's stamp on its receipt, in an open loop. The highest "
        "rate is seven tenths of what a backlog is taken at. In brackets, where it stands: times that of a bare loop "
        "(`tests/benchmarks/bare_loop.py`: consume, commit a row, publish) at the same rate in the same run.",
        _latency(got["latency"]),
        "### More processes",
        "The same backlog, several intake processes, one relay; each patient's order is checked in every run.",
        table(
            ["intake processes", "orders/s", "processor time to that of one", "load", "cores in use"],
            [
                [k, f"{v['intake']:.0f}", _to_one(v, got["scale"]), f"{v['load']:.1f}", _cores(v["cpu"])]
                for k, v in got["scale"].items()
            ],
        ),
        "![Scale-out](img/bench-scale.svg)",
    ]


def _latency(by_rate: Mapping[str, Mapping[str, float]]) -> str:
    """Milliseconds by rate; in brackets, times the bare loop's of the same run, where it was measured."""

    def told(took: Mapping[str, float], name: str) -> str:
        under = took.get(f"bare {name}")
        return f"{took[name]:.0f}" + ("" if under is None else f" ({took[name] / max(under, 0.1):.1f})")

    return table(
        ["orders/s", "p50, ms", "p99, ms", "p99.9, ms", "orders", "load"],
        [
            [
                rate,
                *(told(took, name) for name in ("p50", "p99", "p99.9")),
                f"{took['orders']:.0f}",
                f"{took['load']:.1f}",
            ]
            for rate, took in by_rate.items()
        ],
    )


def _to_one(several: Mapping[str, Any], by_processes: Mapping[str, Mapping[str, Any]]) -> str:
    """Processor time of an order, over all processes, to that with one intake."""
    first = next(iter(by_processes.values())).get("each")
    return "" if not first or not several.get("each") else f"{several['each']['all'] / first['all']:.2f}"


def _what_it_would_take(got: Mapping[str, Any]) -> str:
    """The goal of six tenths of the floor, in processor time."""
    last = got["rounds"][-1]
    used = sum(share for name, share in last["cpu"].items() if name in _OURS)
    each, cores, wanted = used / last["intake"], int(got["machine"].split()[0]), 0.6 * got["floor"]
    return (
        f"In that run an order took {1e3 * each:.2f} ms of processor, over intake, relay, PostgreSQL and Kafka: "
        f"{cores} cores, all of them busy with nothing else, end at {cores / each:.0f} orders a second. Six tenths of "
        f"the floor, {wanted:.0f} a second, leave {1e3 * cores / wanted:.2f} ms for everything."
    )


_OURS = ("intake", "relay", "PostgreSQL", "Kafka")


def _draw_decisions(got: Mapping[str, Any]) -> None:
    sizes = {name: residents for name, (residents, _) in got["places"].items()}
    _flat(
        "bench-decisions",
        "residents",
        "µs of processor a decision",
        {
            f"{kind} {what}": {sizes[name]: costs[place] for name, costs in by.items()}
            for kind, by in got["cpu"].items()
            for place, what in enumerate(("API", "database"))
        }
        | {"in process": {sizes[name]: took["decide"] for name, took in got["in_process"].items()}},
    )


def _decisions(got: Mapping[str, Any]) -> list[str]:
    return [
        "## Access decisions",
        f"`python -m tests.benchmarks.decisions`, load {got['load']:.1f}. Countries of several sizes side by side, asked "
        f"in turns; every question over HTTP with a token, and its line in the access log durable before its answer. "
        f"{got['rate']} single questions a second in an open loop over 32 connections: *warm* asks about 500 children "
        "again and again, *cold* about a child whom the process has not been asked about before.",
        decisions_text(got),
        "![Processor time of a decision against the size of the country](img/bench-decisions.svg)",
    ]


def decisions_text(got: Mapping[str, Any]) -> str:
    """The tables of the access decisions."""
    singles = [
        [
            f"{kind}, {name}",
            *(f"{one:.1f}" for one in quantiles),
            *(f"{one:.0f}" for one in got["cpu"][kind][name]),
        ]
        for kind, by in got["latency"].items()
        for name, quantiles in by.items()
    ]
    batches = [
        [f"{kind}, {name}", f"{median:.0f}", f"{most:.0f}"]
        for kind, by in got["batches"].items()
        for name, (median, most) in by.items()
    ]
    inside = [
        [f"{name} ({measures:,} measures)", *(f"{got['in_process'][name][what]:.1f}" for what in _IN_PROCESS)]
        for name, (_, measures) in got["places"].items()
    ]
    return "\n\n".join(
        (
            table(
                [
                    "residents",
                    "p50, ms",
                    "p95, ms",
                    "p99, ms",
                    "p99.9, ms",
                    "API, µs of CPU",
                    "database, µs of CPU",
                ],
                singles,
            ),
            table(["a thousand questions at once", "median, ms", "most, ms"], batches),
            table(["in process, µs of CPU", *_IN_PROCESS], inside),
            *([_to_bare(got["latency"])] if "bare" in got["latency"] else []),
        )
    )


def _to_bare(latency: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """How far the API's p99 is from that of the bare server."""
    told = [
        f"{kind}, {name}: {quantiles[2] / latency['bare'][name][2]:.1f}"
        for kind in ("warm", "cold")
        for name, quantiles in latency[kind].items()
    ]
    return (
        "*Bare* is an HTTP server of the same kind that answers a constant after one committed log line. p99 to its p99: "
        f"{'; '.join(told)}."
    )


_IN_PROCESS = ("decide", "local copy", "valid_until")


def _draw_history(got: Mapping[str, Any]) -> None:
    _flat(
        "bench-history",
        "orders of the patient before",
        "ms of processor",
        {
            name.removesuffix(", ms"): {int(place): figures[name] for place, figures in got["places"].items()}
            for name in ("order, ms", "facts, ms", "decision without a copy, ms", "page of the person, ms")
        },
    )


def _draw_pace(got: Mapping[str, Any]) -> None:
    _bars("bench-pace", "paces an order", {name: costs["all"] for name, costs in got["medians"].items()})


def _draw_midnight(got: Mapping[str, Any], *, name: str) -> None:
    if minutes := _minutes(got):
        _over_time(
            name,
            "minute",
            {
                "timers fired a second": {place + 1: fired / 60 for place, fired in enumerate(minutes)},
                "orders' p99, ms": {place + 1: p99 for place, p99 in enumerate(got["p99_each_minute"])},
            },
        )


def _minutes(got: Mapping[str, Any]) -> list[int]:
    """Timers fired in each whole minute, where there were several."""
    each: list[int] = got.get("each_minute", [])
    return each if len(each) > 2 else []


def _transitions(got: Mapping[str, Any]) -> list[str]:
    return [
        "## A midnight",
        *_midnight(got, "bench-midnight"),
        "Access never waits for it: the store answers from birth dates and periods, and these are the messages.",
    ]


def _whole(got: Mapping[str, Any]) -> list[str]:
    return ["### A million to its end", *_midnight(got, "bench-million")]


def _midnight(got: Mapping[str, Any], plot: str) -> list[str]:
    return [
        f"`python -m tests.benchmarks.transitions`. {got['timers']:,} children turn 13 at one midnight; "
        f"{got['processes']} transitions process, one relay, and {got['orders_per_second']} orders a second beside. "
        f"{got['fired']:,} timers fired before it was stopped. *Paces an event* is the processor time of all processes, that of the "
        "orders beside included.",
        table(
            [
                "timers/s",
                "events",
                "events/s",
                "paces an event",
                "orders' p50 / p99 before, ms",
                "during, ms",
                "load",
            ],
            [
                [
                    f"{got['fired_per_second']:.0f}",
                    got["events"],
                    f"{got['events_per_second']:.0f}",
                    f"{got['paces_an_event']:.1f}" if "paces_an_event" in got else "",
                    f"{got['latency_before']['p50']:.0f} / {got['latency_before']['p99']:.0f}",
                    f"{got['latency_during']['p50']:.0f} / {got['latency_during']['p99']:.0f}",
                    f"{got['load']:.1f}",
                ]
            ],
        ),
        *([f"![Timers and latency by the minute](img/{plot}.svg)"] if _minutes(got) else []),
    ]


def _startup(got: Mapping[str, Any]) -> list[str]:
    return [
        "## Start and recovery",
        "`python -m tests.benchmarks.startup`. From starting an intake process to the first receipt, and from SIGKILL, "
        "with another started at once, to the next one: the broker gives a dead member's partitions away when its "
        "session of 10 s has run out, or at once to one of the same `SIGILL_KAFKA_INSTANCE_ID`. Medians of "
        f"{got['runs']}, load {got['load']:.1f}.",
        table(
            ["what", "seconds"],
            [
                ["start to first receipt", f"{got['ready']:.1f}"],
                ["SIGKILL to next receipt", f"{got['recovered']:.1f}"],
                ["the same with an instance id", f"{got['recovered_named']:.1f}"],
            ],
        ),
    ]


def _cost(got: Mapping[str, Any]) -> list[str]:
    return [
        "## Processor time",
        f"`python -m tests.benchmarks.cost`, load {got['load']:.1f}.",
        table(
            ["what", "µs of processor each", "how many"],
            [[what, f"{1e6 * cpu / n:.0f}", n] for what, cpu, _, n in got["rows"]],
        ),
    ]


def _pace(got: Mapping[str, Any]) -> list[str]:
    return [
        "## Against equal work",
        f"`python -m tests.benchmarks.pace`, load {got['load']:.1f}; {got['orders']} orders a round, rounds: {got['rounds']}, "
        "each in turn. *Equal work* consumes as many orders, verifies each signature by the bare library call, "
        "validates the form, and then copies the rows that Sigill wrote for such orders"
        f"{_rows_an_order(got)}, kept as bytes, into tables of the same columns and indexes, in "
        "transactions of the same size with the offsets in them, publishes the events that Sigill published with the same "
        "producer settings, and marks them: all of the durable work, and no rule, receipt, chain or trigger. The other two "
        "are those of the intake, above. All are counted by one rule (`tests/benchmarks/turns.py`): each is warm, then the orders "
        "are published, and it counts from the broker's stamp on the first of them to its stamp on the last receipt, or to the "
        "last commit where there are no receipts. Processor time is that of the processes of the run alone: their own (Sigill's: "
        "intake and relay), PostgreSQL's and the broker's.",
        ratios(got),
        "![Processor time of an order](img/bench-pace.svg)",
    ]


def _rows_an_order(got: Mapping[str, Any]) -> str:
    return f" ({got['rows_an_order']:.0f} an order)" if "rows_an_order" in got else ""


def ratios(got: Mapping[str, Any]) -> str:
    """The table of what an order costs whom, and how Sigill stands to each."""
    columns = {"own": "its own", "postgres": "PostgreSQL's", "kafka": "the broker's", "all": "all"}
    rows = [
        [
            name,
            f"{costs['rate']:.0f}",
            *(f"{costs[what]:.1f}" for what in columns),
            f"{got['ratios'][name]['rate']:.2f}",
            f"{got['ratios'][name]['all']:.2f}",
        ]
        for name, costs in got["medians"].items()
    ]
    told = [f"paces an order, {what}" for what in columns.values()]
    return table(["", "orders/s", *told, "Sigill's orders/s to these", "Sigill's paces to these"], rows)


def _replay(got: Mapping[str, Any]) -> list[str]:
    return [
        "## A register sent again",
        "`python -m tests.benchmarks.replay`. Every resident told once more, with nothing changed but sequence and stamp, as a "
        "yearly reconciliation does. Neither a version nor an event is written, so that the cost is a "
        "look for each resident by its number, and grows with how many there are.",
        table(
            [
                "residents",
                "register processes",
                "seconds",
                "messages/s",
                "versions written",
                "events written",
                "load",
            ],
            [
                [
                    f"{one['persons']:,}",
                    one["processes"],
                    f"{one['seconds']:.0f}",
                    one["messages_per_second"],
                    one["written"]["versions"],
                    one["written"]["events"],
                    f"{one['load']:.1f}",
                ]
                for one in got["runs"]
            ],
        ),
    ]


def _history(got: Mapping[str, Any]) -> list[str]:
    places = got["places"]
    first = next(iter(places.values()))
    return [
        "## One patient's history",
        f"`python -m tests.benchmarks.history`, load {got['load']:.1f}. One adult is sealed in {got['units']} units and released "
        "again, over and over, on a real database: the same order, state event, facts, decision, page and timeline after few and "
        "after many orders. The last twenty orders before each place go through the real intake; those before them are rows as the "
        "intake wrote them, copied. Milliseconds of processor (of the page of the person: the console's server and the browser's "
        "part of the wire, in one process), unless it says otherwise; PostgreSQL's share shows in the wall alone, and on a machine "
        "with other work the wall says most of that. In brackets, times the first.",
        table(
            ["", *(f"order {int(place):,}" for place in places)],
            [
                [
                    name,
                    *(
                        f"{one[name]:.1f} ({one[name] / max(first[name], 0.001):.1f})"
                        for one in places.values()
                    ),
                ]
                for name in first
            ],
        ),
        "![Processor time against what came before](img/bench-history.svg)",
        "The state event does not grow. Of earlier orders those alone are read that an order names "
        "(`workers/sigill/policy/earlier_orders.py`, with a test that a judgement by them is the judgement by all of them); pages of "
        "the person and of the timeline are bounded. The timeline's page grows until it is full, at a hundred steps.",
        "A decision about now or later is made from the measures that it can depend on "
        "(`workers/sigill/policy/needed_measures.py`): not from those that are over, unless they are grants or name a guardian or a "
        "viewer. A test holds it against the decision from every measure, with its reasons, in random families. A history of grants, or of blocks "
        "that name somebody, still costs by its length; so does a question about the past, which takes every measure. It is flat "
        "for the process that answers, not for PostgreSQL, which still looks at the newest version of each measure to leave it out, and, for "
        "each question to the API, also of a patient in memory, counts the versions of the patient's measures. An index over what is "
        "not over would need a mark beside the history that changes, and whoever changed that could hide a seal from a decision "
        "with every row of history intact.",
        "An order and the page of the person are not flat: for them the facts are read with every measure that the patient ever "
        "had, and each is made and looked at, some tens of microseconds for each seal with its release. Measures that are over "
        "still answer their questions: what a late order resumes (X-12), what a release has overtaken (X-15), who must not be told of "
        "what goes on (X-23). Until it is proven which of them no judgement needs, all are read: a slow answer is better than "
        "another one.",
        "What an order asks of the rules is bounded by what it can change: the measures that it makes or changes, and what falls "
        "on the very instant, say which viewers, services and units are looked at "
        "(`workers/sigill/policy/access_comparison.py`); of what is over nothing is asked. Tests count the questions "
        "(`tests/policy/test_bounded_work.py`), and hold the result against every line of random families.",
    ]


def _elsewhere() -> str:
    return (
        "## Elsewhere\n\nLoading 10.6 million residents, rehearsing rules on them, and saying whom a change of rules "
        "touches: [the population](population.md)."
    )


_PARTS = {
    "intake": _intake,
    "pace": _pace,
    "decisions": _decisions,
    "transitions": _transitions,
    "whole": _whole,
    "startup": _startup,
    "replay": _replay,
    "history": _history,
    "cost": _cost,
}
_PLOTS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "intake": _draw_intake,
    "decisions": _draw_decisions,
    "pace": _draw_pace,
    "history": _draw_history,
    "transitions": partial(_draw_midnight, name="bench-midnight"),
    "whole": partial(_draw_midnight, name="bench-million"),
}


def _cores(cpu: Mapping[str, float]) -> str:
    used = sorted(((name, share) for name, share in cpu.items() if share >= 0.02), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {share:.2f}" for name, share in used)


def _bars(name: str, label: str, values: Mapping[str, float]) -> None:
    figure, axes = plt.subplots(figsize=(6, 2.2))
    bars = axes.barh(
        list(values),
        list(values.values()),
        color=["#00538a" if label == "Sigill" else "#b0b0b0" for label in values],
    )
    axes.bar_label(bars, fmt="%.0f", padding=4)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    _save(figure, name)


def _lines(name: str, across: str, up: str, values: Mapping[int, float]) -> None:
    figure, axes = plt.subplots(figsize=(6, 2.8))
    axes.plot(list(values), list(values.values()), marker="o", color="#00538a")
    axes.set_xticks(list(values))
    axes.set_ylim(bottom=0)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    _save(figure, name)


def _flat(name: str, across: str, up: str, lines: Mapping[str, Mapping[int, float]]) -> None:
    """Cost against size, the sizes by powers of ten."""
    figure, axes = plt.subplots(figsize=(6, 3.2))
    for label, values in lines.items():
        axes.plot(list(values), list(values.values()), marker="o", label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.legend(frameon=False, fontsize=8)
    _save(figure, name)


def _over_time(name: str, across: str, lines: Mapping[str, Mapping[int, float]]) -> None:
    """Whether something held, one picture above the other."""
    figure, places = plt.subplots(len(lines), 1, figsize=(6, 4), sharex=True)
    for axes, (label, values) in zip(places, lines.items(), strict=True):
        axes.plot(list(values), list(values.values()), color="#00538a")
        axes.set_ylim(bottom=0)
        axes.set_ylabel(label, fontsize=8)
    places[-1].set_xlabel(across)
    _save(figure, name)


def _save(figure: Any, name: str) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    (DOCS / "img").mkdir(exist_ok=True)
    figure.savefig(DOCS / "img" / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
