"""websockets, on asyncio: echo.py PORT [--deflate]"""

import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    compression = "deflate" if "--deflate" in sys.argv else None
    options = dict(max_size=64 << 20, ping_interval=None, backlog=4096, compression=compression)
    async with serve(echo, "127.0.0.1", int(sys.argv[1]), **options):
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
