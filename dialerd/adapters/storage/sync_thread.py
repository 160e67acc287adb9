"""The thread in which the write-ahead log is brought to the disk, one sync after the other.

Never touches a database connection, and never holds the process at its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread


class SyncThread:
    """An executor of `concurrent.futures` would do the same at three times the cost, a hundred times a second."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[asyncio.Future[None], Callable[[], None]] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="log sync", daemon=True)
        self._thread.start()

    def sync(self, sync: Callable[[], None]) -> asyncio.Future[None]:
        """`sync` in the thread; the future has what it raises. Cancelled or not, it is carried out."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked.put((done, sync))
        return done

    async def end(self) -> None:
        """Return when all that was asked is done and the thread is gone."""
        self._asked.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            done, sync = asked
            error: BaseException | None = None
            try:
                sync()
            except BaseException as raised:  # noqa: BLE001  it belongs to the one who asked
                error = raised
            try:
                done.get_loop().call_soon_threadsafe(_tell, done, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more


def _tell(done: asyncio.Future[None], error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
