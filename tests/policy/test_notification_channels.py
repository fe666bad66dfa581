"""The table of channels covers each, and what a rulebook may name is among them."""

from typing import get_args

from sigill.policy.notification_channels import CHANNEL_SPECS, RulebookChannel
from sigill_contracts.notification import Notification
from sigill_contracts.vocabulary import NotificationChannel


def test_every_channel_of_a_notification_is_in_the_table() -> None:
    assert set(CHANNEL_SPECS) == set(NotificationChannel)
    assert set(get_args(RulebookChannel)) <= {str(channel) for channel in NotificationChannel}
    pattern = Notification.model_json_schema()["properties"]["channel"]["pattern"]
    assert pattern == "^(1177|letter|phone|sms|in_person|console)$"


def test_only_what_can_be_recognised_is_sent_again() -> None:
    again = {str(channel) for channel, spec in CHANNEL_SPECS.items() if spec.shows_repeat}
    assert again == {"1177", "console"}
