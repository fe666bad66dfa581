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
`--profile FOLDER` writes a profile of each. The largest parts of the intake's, by py-spy: handing the rows of some
fifteen tables to the database driver, a fifth; the rules, the picture of who sees what before and after, and the
messages that follow, two fifths; the signature with its chain and revocation, a tenth; the log line, a twentieth.
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
    parts = [INTRODUCTION]
    for name, told in _PARTS.items():
        if name in found:
            heading, *rest = told(found[name])
            parts += [heading, _measured(found[name]), *rest]
    parts += [LIMITS, _elsewhere()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


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
        "rate is seven tenths of what a backlog is taken at.",
        table(
            ["orders/s", "p50, ms", "p99, ms", "p99.9, ms", "orders", "load"],
            [
                [
                    rate,
                    f"{q['p50']:.0f}",
                    f"{q['p99']:.0f}",
                    f"{q['p99.9']:.0f}",
                    f"{q['orders']:.0f}",
                    f"{q['load']:.1f}",
                ]
                for rate, q in got["latency"].items()
            ],
        ),
        "### More processes",
        "The same backlog, several intake processes, one relay; each patient's order is checked in every run.",
        table(
            ["intake processes", "orders/s", "load", "cores in use"],
            [
                [k, f"{v['intake']:.0f}", f"{v['load']:.1f}", _cores(v["cpu"])]
                for k, v in got["scale"].items()
            ],
        ),
        "![Scale-out](img/bench-scale.svg)",
    ]


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
        )
    )


_IN_PROCESS = ("decide", "local copy", "valid_until")


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
        f"{got['fired']:,} timers fired before it was stopped.",
        table(
            ["timers/s", "events", "events/s", "orders' p50 / p99 before, ms", "during, ms", "load"],
            [
                [
                    f"{got['fired_per_second']:.0f}",
                    got["events"],
                    f"{got['events_per_second']:.0f}",
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
        f"`python -m tests.benchmarks.pace`, load {got['load']:.1f}; {got['orders']} orders a round, {got['rounds']} rounds, "
        "each of the four in turn. *Equal work* consumes as many orders, verifies each signature by the bare library call, "
        "validates the form, and then copies the rows that Sigill wrote for such orders "
        f"({got['rows_an_order']:.0f} an order), kept as bytes, into tables of the same columns and indexes, in "
        "transactions of the same size with the offsets in them, publishes the events that Sigill published with the same "
        "producer settings, and marks them: all of the durable work, and no rule, receipt, chain or trigger. The other two "
        "are those of the intake, above. Processor time is that of their own processes (Sigill's: intake and relay) and, "
        "beside it, of PostgreSQL; the goals are 0.6 of equal work, and 15 paces an order over all processes.",
        ratios(got),
    ]


def ratios(got: Mapping[str, Any]) -> str:
    """The table of what an order costs whom, and how Sigill stands to each."""
    rows = []
    for name, costs in got["medians"].items():
        ratio = got["ratios"][name]
        rows.append(
            [
                name,
                f"{costs['rate']:.0f}",
                f"{costs['own']:.1f}",
                f"{costs['postgres']:.1f}" if costs["postgres"] else "",
                f"{ratio['rate']:.2f}",
                f"{ratio['own']:.2f}",
            ]
        )
    return table(
        [
            "",
            "orders/s",
            "paces an order",
            "PostgreSQL's, paces an order",
            "Sigill's orders/s to these",
            "Sigill's paces to these",
        ],
        rows,
    )


def _replay(got: Mapping[str, Any]) -> list[str]:
    return [
        "## A register sent again",
        "`python -m tests.benchmarks.replay`. Every resident told once more, with nothing changed but sequence and stamp, as a "
        "yearly reconciliation does; one register process. Neither a version nor an event is written, so that the cost is a "
        "look for each resident by its number, and grows with how many there are.",
        table(
            ["residents", "seconds", "messages/s", "versions written", "events written", "load"],
            [
                [
                    f"{one['persons']:,}",
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
    "cost": _cost,
}
_PLOTS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "intake": _draw_intake,
    "decisions": _draw_decisions,
    "transitions": partial(_draw_midnight, name="bench-midnight"),
    "whole": partial(_draw_midnight, name="bench-million"),
}


def _cores(cpu: Mapping[str, float]) -> str:
    used = sorted(((name, share) for name, share in cpu.items() if share >= 0.02), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {share:.2f}" for name, share in used)


def _bars(name: str, label: str, values: Mapping[str, float]) -> None:
    figure, axes = plt.subplots(figsize=(6, 2.2))
    bars = axes.barh(list(values), list(values.values()), color=["#9a9a9a", "#00538a", "#c9c9c9"])
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
