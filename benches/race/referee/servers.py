"""Who races: how each server is started, and what is known of it."""

from dataclasses import dataclass, replace

OURS = "sansocket"
FLOOR = "floor-tokio"


@dataclass(frozen=True)
class Server:
    """`habit` marks a second way to use a library: left out where it makes no difference. `library` is the package
    whose version is told; `by` says how it serves, `settings` how it compresses."""

    name: str
    command: str
    library: str
    by: str = "tokio, one thread"
    habit: bool = False
    settings: str = ""

    @property
    def floor(self):
        return self.name.startswith("floor-")

    @property
    def ours(self):
        return self.name.split("/")[0].startswith(OURS)

    @property
    def native(self):
        return "{bin}" in self.command

    @property
    def program(self):
        return self.command.split()[0]


def _peer(name, **more):
    return Server(name, f"{{bin}}/race-{name} --listen 127.0.0.1:{{port}}", name, **more)


def _batch(name):
    return Server(f"{name}/batch", f"{{bin}}/race-{name} --listen 127.0.0.1:{{port}} --batch", name, habit=True)


def _floor(name, library, by):
    return Server(name, f"{{bin}}/{name} --listen 127.0.0.1:{{port}}", library, by)


# The longest message that the servers of the library are to take, as long as what the peers take by themselves.
_LONG = "--max-message 67108864"
_OURS = f"{{bin}}/race-sansocket --listen 127.0.0.1:{{port}} --threads 1 {_LONG}"

SERVERS = {
    server.name: server
    for server in [
        _floor("floor-epoll", "rustix", "epoll"),
        _floor("floor-tokio", "tokio", "tokio, one thread"),
        _floor("floor-tokio-shared", "tokio", "tokio, one thread, a buffer for all"),
        _floor("floor-threads", "", "a thread a connection"),
        Server("sansocket", _OURS, "sansocket"),
        Server("sansocket/send", f"{_OURS} --send", "sansocket", habit=True),
        Server(
            "sansocket-blocking",
            f"{{bin}}/race-sansocket-blocking --listen 127.0.0.1:{{port}} {_LONG}",
            "sansocket",
            "a thread a connection",
        ),
        _peer("tungstenite", by="a thread a connection"),
        _peer("tokio-tungstenite"),
        _batch("tokio-tungstenite"),
        _peer("fastwebsockets"),
        _peer("tokio-websockets"),
        _batch("tokio-websockets"),
        _peer("yawc"),
        _batch("yawc"),
        _peer("sockudo-ws"),
        _batch("sockudo-ws"),
        _peer("wtx"),
        _peer("web-socket"),
        _peer("soketto"),
        Server("node-ws", "{node} {target}/race-node/echo.js {port}", "ws", "Node.js"),
        Server("python-websockets", "{python} {here}/python-websockets/echo.py {port}", "websockets", "asyncio"),
    ]
}


def _deflate(name, settings, options="", **more):
    """One of the servers above, told to compress."""
    server = SERVERS[name.split("/")[0]]
    command = f"{server.command} --deflate {options}".rstrip()
    return replace(server, name=name, command=command, settings=settings, **more)


# What most other libraries are set to, so that answers are as long as theirs.
_AS_OTHERS = "--deflate-level 6 --deflate-window 15"

# Who races where messages are compressed, as `SERVERS` do elsewhere.
COMPRESSING = {
    server.name: server
    for server in [
        _deflate("sansocket", "level 3, 12 bits, zlib-rs"),
        _deflate("sansocket/level6", "level 6, 15 bits, zlib-rs", _AS_OTHERS),
        _deflate(
            "sansocket/takeover", "level 6, 15 bits, takeover, zlib-rs", f"{_AS_OTHERS} --deflate-takeover", habit=True
        ),
        _deflate("sansocket-blocking", "level 3, 12 bits, zlib-rs"),
        _deflate("sansocket-blocking/level6", "level 6, 15 bits, zlib-rs", _AS_OTHERS),
        _deflate("yawc", "level 6, 15 bits, zlib-rs"),
        _deflate("sockudo-ws", "level 6, 15 bits, zlib-rs"),
        _deflate("wtx", "level 5, 15 bits, zlib-rs"),
        _deflate("soketto", "level 1, 15 bits, zlib"),
        _deflate("node-ws", "level 6, 15 bits, zlib on a pool of threads"),
        _deflate("python-websockets", "level 6, 12 bits, memory level 5, zlib"),
    ]
}
