"""`sigill elsewhere`: read a source of measures made outside Sigill, and publish what it says."""

import asyncio
import logging
import ssl
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from sigill.cli.common import settings
from sigill.cli.context import clock_of, run
from sigill.client.elsewhere_source import HttpSource, Poller, ProgressFile, SourceFailed
from sigill.runtime.lifecycle import stopped_by_signals
from sigill.runtime.logging import configure_logging
from sigill.stream.connection import Connection
from sigill.stream.producer import StreamProducer
from sigill_contracts.elsewhere import SourceText
from sigill_contracts.topics import ELSEWHERE

app = typer.Typer(no_args_is_help=True, help="Read a source of measures made outside Sigill.")
PEM = typer.Option(exists=True, dir_okay=False, show_default=False)


@app.callback()
def _group() -> None:
    """Read a source of measures made outside Sigill."""


@app.command()
def poll(
    url: Annotated[str, typer.Argument(help="The source's address: https, or http of this machine.")],
    *,
    source: Annotated[str, typer.Option(help="Its short name, by which the national rulebook names it.")],
    state: Annotated[Path, typer.Option(dir_okay=False, help="File that keeps how far it has been read.")],
    every: Annotated[float, typer.Option(min=1, help="Seconds between two readings.")] = 60.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that the source has to answer.")] = 10.0,
    ca: Annotated[Path | None, PEM] = None,
    certificate: Annotated[Path | None, PEM] = None,
    key: Annotated[Path | None, PEM] = None,
    token: Annotated[Path | None, PEM] = None,
    once: Annotated[bool, typer.Option("--once", help="Read to the end once, and stop.")] = False,
) -> None:
    """
    Read a source and publish to `elsewhere.measures.v1`, until stopped. One process a source.

    --ca, --certificate and --key are PEM files: who the source must prove to be signed by, and who asks. --token is a file
    with a bearer token. With --once, exit status 1 when the source did not answer.
    """
    chosen = settings()
    clock = clock_of(chosen)
    try:
        TypeAdapter(SourceText).validate_python(source)
        if (certificate is None) != (key is None):
            raise ValueError("--certificate and --key go together")
        tls = ssl.create_default_context(cafile=ca)
        if certificate is not None:
            tls.load_cert_chain(certificate, key, password="")  # an encrypted key is told, not asked about
        reader = HttpSource(url, clock, timeout=timeout, tls=tls, token=token)
    except ValidationError:
        print("--source: small letters, digits, dot, hyphen and underscore, at most 60", file=sys.stderr)
        raise typer.Exit(2) from None
    except (ValueError, ssl.SSLError) as error:
        print(
            str(error) if not isinstance(error, ssl.SSLError) else f"TLS files: {error.reason}",
            file=sys.stderr,
        )
        raise typer.Exit(2) from None

    async def work() -> bool:
        configure_logging(level="info")
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses with cursors
        stop = asyncio.Event()
        producer = StreamProducer(Connection.of(chosen), send_timeout=chosen.kafka_send_timeout)
        poller = Poller(
            source,
            reader,
            producer.send_in_order,
            ProgressFile(state),
            clock,
            f"urn:sigill:{chosen.environment}:elsewhere",
            chosen.topic(ELSEWHERE.name),
        )
        try:
            with stopped_by_signals(stop):
                if once:
                    print(f"{await poller.once()} measures reported", file=sys.stderr)
                else:
                    await poller.run(every, stop)
        except SourceFailed as error:
            print(error, file=sys.stderr)
            return False
        finally:
            await producer.stop()
            await reader.close()
        return True

    if not run(work):
        raise typer.Exit(1)
