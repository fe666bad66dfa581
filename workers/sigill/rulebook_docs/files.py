"""
The folder of rulebooks, read once for every process and command alike.

Guarantee: what is loaded harms nobody by itself (X-31): a rulebook under which a measure would never end, or that says
the contrary of a floor, is not loaded at all. Left over: what can be read and cannot be meant, which
`sigill rulebook check` finds.
"""

from pathlib import Path

from sigill.policy.rulebook import Region, RulebookError, Rulebooks, is_national, parse
from sigill.rulebook_docs.checking import harms

SHIPPED = Path(__file__).parents[1] / "rulebooks"
"""The rulebooks that come with the program."""
NATIONAL = SHIPPED / "nationwide.yaml"


def load(folder: Path = SHIPPED) -> tuple[Rulebooks, str | None]:
    """
    Read every `.yaml` of a folder; a folder without a national file gets the shipped one, which the second part says.

    Raises RulebookError with every fault at once, each with its file and place.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise RulebookError(f"{folder}: holds no rulebook (*.yaml)")
    regions, faults = read(files)
    taken = None
    if not faults:
        regions, taken = with_national(regions)
        faults = [str(finding) for finding in harms(regions)]
    if faults:
        raise RulebookError("; ".join(faults))
    return Rulebooks.of_regions(regions), taken


def read(files: list[Path]) -> tuple[list[Region], list[str]]:
    """The files that can be read, and every fault of those that cannot."""
    regions: list[Region] = []
    faults: list[str] = []
    national: Region | None = None
    for path in sorted(files, key=_is_regional):
        try:
            text = path.read_text("utf-8")
            if national is None and not is_national(text):
                national = parse(NATIONAL.read_text("utf-8"))
            regions.append(parse(text, national))
            if regions[-1].national:
                national = regions[-1]
        except RulebookError as error:
            faults += [fault.within(path) for fault in error.faults]
        except OSError as error:
            faults.append(f"{path}: {error.strerror}")
        except UnicodeDecodeError:
            faults.append(f"{path}: is not UTF-8")
    order = [path.stem for path in files]
    regions.sort(key=lambda region: order.index(region.region) if region.region in order else len(order))
    return regions, faults


def _is_regional(path: Path) -> bool:
    """Whether a file is not the national one, which others may begin with."""
    try:
        return not is_national(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return True


def with_national(regions: list[Region]) -> tuple[list[Region], str | None]:
    """Some rulebooks with the shipped national one where none of them is national, and the sentence that says so."""
    if any(region.national for region in regions):
        return regions, None
    shipped = parse(NATIONAL.read_text("utf-8"))
    return [
        *regions,
        shipped,
    ], f"no national rulebook among them: the shipped one is taken ({shipped.region})"
