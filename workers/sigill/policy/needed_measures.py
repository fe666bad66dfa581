"""
Which measures of a patient an answer about access at an instant, or at any later one, can depend on.

What is over shuts and opens nothing. It is still needed where it is a grant, since one that ran out is named as the reason why
there is none, and where it names a guardian or a viewer, since a stranger may turn out to be one of them. Any other measure
that is over says nothing, however many there are. A version that makes one go on is written first, and is found by its stamp.
This is about decisions alone: an order, a timer and a page of a person also ask about what is over.
"""

from datetime import datetime

from sigill.policy.facts import Measure


def is_needed_since(m: Measure, since: datetime) -> bool:
    """
    Whether an answer at `since` (UTC) or later, or until when it holds, may depend on a measure.

    An end by age is not looked at: such a measure is needed as long as no date ends it. One that was called off before its day is
    needed until that day, which is told as one on which an answer may change.
    """
    names_somebody = m.guardians is not None or bool(m.guardians_except) or m.viewer is not None
    over = m.valid_to is not None and m.valid_to <= since and m.valid_from <= since
    return m.kind.opens or names_somebody or not over
