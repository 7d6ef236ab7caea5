"""Messages to the app itself, posted by the widget that has something to send."""

from textual.message import Message

from bntui.protocol import Command


class SendCommand(Message):
    """Send a command to the engine. The screen changes when the engine's events come back."""

    def __init__(self, command: Command) -> None:
        super().__init__()
        self.command = command
