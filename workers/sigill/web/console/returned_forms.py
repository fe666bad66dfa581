"""
A form that cannot be taken as it was filled in: its page comes back with everything that was typed and what to mend.

A handler raises `FormFault`; the route shows the form's page again, whose fields ask here for what stood in them. The
values go from the request's body into the answer's and nowhere else: no address, cookie, log or store holds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.requests import Request

from sigill.policy.effects import Sentence

NEVER_RETURNED = frozenset({"csrf", "once"})
"""Fields that are a secret, or the page's own: the page that comes back has its own."""
WORDS = ("reason", "remark")
"""Fields with words of somebody's own, which are shown where the form that held them is not offered any more."""


class FormFault(Exception):
    """
    A form cannot be taken. `faults` says what to mend, by field; under "", what is no field's fault.

    `status` is the answer's.
    """

    def __init__(self, faults: Mapping[str, Sentence], status: int = 422) -> None:
        self.faults = dict(faults)
        self.status = status
        super().__init__(f"{len(self.faults)} faults")


@dataclass(frozen=True, slots=True)
class ReturnedForm:
    """A form as it came, and what to mend of it."""

    form: str
    """Which of the page's forms: its field `form_id`, else the last part of the path that it was sent to."""
    values: Mapping[str, Sequence[str]]
    faults: Mapping[str, Sentence]
    status: int

    @classmethod
    def of(cls, request: Request, form: FormData, fault: FormFault) -> "ReturnedForm":
        """Keep what a form held."""
        values = {
            name: [value for value in form.getlist(name) if isinstance(value, str)]
            for name in form
            if name not in NEVER_RETURNED
        }
        named = values.get("form_id", ())
        return cls(
            named[0] if named else request.url.path.rsplit("/", 1)[-1], values, fault.faults, fault.status
        )

    def first(self, name: str) -> str:
        """What stood in a field; empty when nothing did."""
        return next(iter(self.values.get(name, ())), "")

    @property
    def words(self) -> list[str]:
        """What somebody wrote in words of their own, to be copied where the form itself does not come back."""
        return [text for name in WORDS if (text := self.first(name))]


def returned_form(request: Request) -> ReturnedForm | None:
    """The form that this answer returns; None: it answers something else."""
    found: ReturnedForm | None = getattr(request.state, "returned", None)
    return found


def return_form(request: Request, form: FormData, fault: FormFault) -> None:
    """Let the page that answers a request return a form."""
    request.state.returned = ReturnedForm.of(request, form, fault)
