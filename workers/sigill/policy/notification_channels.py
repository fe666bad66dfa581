"""The one table of the channels of notifications: what each can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from sigill_contracts.vocabulary import NotificationChannel

RulebookChannel = Literal["1177", "letter", "phone", "console"]
"""The channels that a rulebook may name for a notice."""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """
    What a channel does with a notice.

    `shows_repeat`: what comes twice is seen to be the same; else whoever gets it twice believes that it happened twice,
    and it is never published again. `of_age_only`: others read what comes to a minor on it.
    """

    shows_repeat: bool = False
    of_age_only: bool = False


CHANNEL_SPECS: Mapping[NotificationChannel, ChannelSpec] = MappingProxyType(
    {
        NotificationChannel.INBOX: ChannelSpec(shows_repeat=True),
        NotificationChannel.LETTER: ChannelSpec(of_age_only=True),
        NotificationChannel.PHONE: ChannelSpec(),
        NotificationChannel.SMS: ChannelSpec(),
        NotificationChannel.IN_PERSON: ChannelSpec(),
        NotificationChannel.CONSOLE: ChannelSpec(shows_repeat=True),
    }
)
