"""What goes wrong, told as RFC 9457 has it. Never a number, name or text of the request."""

from collections.abc import Mapping, Sequence

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from sigill.operations.decision_models import FieldFault, Problem
from sigill.operations.decision_service import StoreDown
from sigill.web.http.authentication import AuthenticationRefused

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:sigill:problem:"
_log = structlog.get_logger("sigill.api")

KINDS: Mapping[str, tuple[int, str]] = {
    "unreadable": (400, "The body is not JSON"),
    "not-authenticated": (401, "Who asks is not proven"),
    "not-allowed": (403, "Who asks may not do this"),
    "no-such-person": (404, "Nobody is known by that key or number"),
    "not-found": (404, "There is nothing at that address"),
    "wrong-method": (405, "The address does not take that method"),
    "too-large": (413, "The body is too large"),
    "not-json": (415, "The body must be application/json"),
    "invalid": (422, "Something in the request is not as it should be"),
    "too-many": (429, "Too much was asked in a short time"),
    "fault": (500, "Something is wrong here"),
    "store-down": (503, "The access store does not answer now"),
    "keys-unavailable": (503, "The keys of the token issuer cannot be fetched now"),
}
"""Every kind of problem: its status and title."""


class Trouble(Exception):
    """A problem to answer with."""

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        errors: Sequence[FieldFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.errors = kind, detail, tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        status, title = KINDS[self.kind]
        problem = Problem(
            type=_PREFIX + self.kind,
            title=title,
            status=status,
            detail=self.detail,
            errors=self.errors or None,
        )
        return Response(
            problem.model_dump_json(exclude_none=True),
            status,
            {"Cache-Control": "no-store", **self.headers},
            MEDIA_TYPE,
        )


def invalid(error: ValidationError | RequestValidationError, where: str = "") -> Trouble:
    """Tell each wrong place, never what stood there."""
    faults = []
    for problem in error.errors():
        place = [
            str(part)
            for part in problem["loc"]
            if part not in ("body", "query", "path", "header", "one", "many")
        ]
        if problem["type"] == "extra_forbidden":
            place[-1:] = ["…"]  # a name that the caller made up may itself be somebody's number
        message = str(problem["msg"]).removeprefix("Value error, ")
        faults.append(FieldFault(pointer=where + "/" + "/".join(place), detail=message))
    return Trouble("invalid", errors=faults[:50])


def answer_to(error: Exception) -> Response:
    """Return the problem that an exception is answered with; what nobody foresaw is logged."""
    match error:
        case Trouble():
            return error.response()
        case AuthenticationRefused():
            headers = {"WWW-Authenticate": error.challenge} if error.challenge else {}
            if error.kind == "keys-unavailable":
                headers["Retry-After"] = "5"
            if error.retry_after is not None:
                headers["Retry-After"] = str(error.retry_after)
            return Trouble(error.kind, error.detail, headers=headers).response()
        case StoreDown():
            return Trouble("store-down", headers={"Retry-After": "1"}).response()
        case RequestValidationError():
            return invalid(error).response()
        case ClientDisconnect():
            # nobody hears it: the caller went away, or was too slow, before its request was here
            return Trouble("unreadable").response()
        case HTTPException():
            kind = {404: "not-found", 405: "wrong-method"}.get(error.status_code, "invalid")
            return Trouble(kind, headers=error.headers).response()
        case _:
            _log.error("fault", error=type(error).__name__, exc_info=error)
            return Trouble("fault").response()


def install(app: FastAPI) -> None:
    """Answer every exception with a problem."""

    async def answer(_: Request, error: Exception) -> Response:
        return answer_to(error)

    foreseen = (
        Trouble,
        AuthenticationRefused,
        StoreDown,
        RequestValidationError,
        ClientDisconnect,
        HTTPException,
    )
    for kind in (*foreseen, Exception):
        app.add_exception_handler(kind, answer)
