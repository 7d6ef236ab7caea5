"""The command palette: finds commands by what they are called and by what they do."""

from textual.command import DiscoveryHit, Hit, Hits, Provider


class Commands(Provider):
    """The app's commands, searched by title and help text."""

    async def discover(self) -> Hits:
        """Every command, before anything is typed."""
        for command in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Commands whose title resembles `query`, and those whose help holds all its words."""
        matcher, words = self.matcher(query), query.lower().split()
        for command in self.app.get_system_commands(self.screen):
            score = matcher.match(command.title)
            if all(word in command.help.lower() for word in words):
                score = max(score, 0.5)
            if score > 0:
                title = matcher.highlight(command.title)
                yield Hit(score, title, command.callback, help=command.help)
