"""Takes the README's picture: the real app, the real engine, at the end of the notebook's run.

Run it as `.venv/bin/python assets/picture.py assets/lab.svg`.
"""

import asyncio
import sys
from pathlib import Path

from bntui.config.schema import RunConfig
from bntui.sources.local import EngineSource
from bntui.tui.app import BntuiApp
from bntui.tui.snapshot import svg


async def picture(path: Path) -> None:
    """Write the finished lab at 120 x 40 to `path`."""
    app = BntuiApp(EngineSource(RunConfig(pace=None)))
    async with app.run_test(size=(120, 40)) as pilot:
        while app.history.state is None or app.history.state.state != "finished":
            await pilot.pause(0.1)
        await pilot.pause(0.5)
        path.write_text(svg(app, "bntui"))


if __name__ == "__main__":
    asyncio.run(picture(Path(sys.argv[1])))
