"""The Python peer: `websockets`, told on standard input what to do, telling on standard output what it saw.

peer.py serve OPTIONS         prints {"port": N} first
peer.py connect URL OPTIONS   connects OPTIONS.count times

Lines are JSON; ../tests/peers/puppet.rs has their types.
"""
import asyncio
import json
import sys
from http import HTTPStatus

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

CYCLE = bytes(range(251))
connections = []
tasks = set()


def tell(**what):
    print(json.dumps(what), flush=True)


def pattern(size):
    return (CYCLE * (size // len(CYCLE) + 1))[:size]


def fields(headers):
    return {name.lower(): value for name, value in headers.raw_items()}


def deflate(factory, options, any_bits):
    """Keyword arguments for serve and connect."""
    wanted = options["deflate"]
    if wanted is None:
        return {}
    alone, bits = not wanted["takeover"], wanted["window_bits"]
    narrow = bits if bits < 15 else None
    extension = factory(
        server_no_context_takeover=alone,
        client_no_context_takeover=alone,
        server_max_window_bits=narrow,
        client_max_window_bits=narrow or any_bits,
    )
    return {"compression": None, "extensions": [extension]}


async def attend(ws, headers, options):
    connections.append(ws)
    tell(saw="open", headers=fields(headers), subprotocol=ws.subprotocol)
    try:
        while True:
            message = await ws.recv()
            if options["echo"]:
                await ws.send(message)
            elif isinstance(message, str):
                tell(saw="text", text=message)
            else:
                tell(saw="binary", size=len(message), intact=message == pattern(len(message)))
    except ConnectionClosed as end:
        code, reason = (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")
        tell(saw="closed", code=code, reason=reason, clean=bool(end.rcvd and end.sent))


async def ping(ws, payload):
    answer = await ws.ping(payload)

    async def answered():
        await answer
        tell(saw="pong", payload=payload)

    task = asyncio.create_task(answered())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def fragments(ws, pieces, between):
    for at, piece in enumerate(pieces):
        if at == 1 and between is not None:
            await (await ping(ws, between))
        yield bytes(piece)


async def obey(ws, command):
    match command["do"]:
        case "text":
            await ws.send(command["text"])
        case "binary":
            await ws.send(pattern(command["size"]))
        case "burst":
            for n in range(command["count"]):
                await ws.send(f"message {n}")
        case "fragments":
            await ws.send(fragments(ws, command["pieces"], command["ping"]), text=command["text"])
        case "not_utf8":
            await ws.send(b"h\xff\xfe", text=True)
        case "ping":
            await ping(ws, command["payload"])
        case "close":
            await ws.close(command["code"], command["reason"])
        case "close_empty":
            await ws.close(None)
        case "break_off":
            ws.transport.abort()


async def commands():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        for ws in list(connections):
            await obey(ws, json.loads(line))


async def serving(options):
    refuse, headers = options["refuse"], options["headers"]

    def process_request(connection, request):
        return connection.respond(HTTPStatus(refuse["status"]), refuse["body"]) if refuse else None

    def process_response(connection, request, response):
        for name, value in headers.items():
            response.headers[name] = value

    async def handler(ws):
        await attend(ws, ws.request.headers, options)

    server = await serve(
        handler,
        "127.0.0.1",
        0,
        process_request=process_request,
        process_response=process_response,
        subprotocols=options["subprotocols"] or None,
        max_size=options["max_size"],
        ping_interval=None,
        **deflate(ServerPerMessageDeflateFactory, options, None),
    )
    tell(port=server.sockets[0].getsockname()[1])
    await commands()


async def client(url, options):
    try:
        ws = await connect(
            url,
            additional_headers=options["headers"],
            subprotocols=options["subprotocols"] or None,
            max_size=options["max_size"],
            ping_interval=None,
            proxy=None,
            **deflate(ClientPerMessageDeflateFactory, options, True),
        )
    except InvalidStatus as refused:
        tell(saw="refused", status=refused.response.status_code, body=refused.response.body.decode())
    else:
        await attend(ws, ws.response.headers, options)


async def connecting(url, options):
    clients = [asyncio.create_task(client(url, options)) for _ in range(options["count"])]
    await commands()
    for task in clients:
        task.cancel()


mode, *rest = sys.argv[1:]
options = json.loads(rest[-1])
asyncio.run(serving(options) if mode == "serve" else connecting(rest[0], options))
