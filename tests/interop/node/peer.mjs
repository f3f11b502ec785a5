// The Node peer: `ws`, told on standard input what to do, telling on standard output what it saw.
//
//   peer.mjs serve OPTIONS         prints {"port": N} first
//   peer.mjs connect URL OPTIONS   connects OPTIONS.count times
//
// Lines are JSON; ../tests/peers/puppet.rs has their types.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { WebSocket, WebSocketServer } from "ws";

const CYCLE = Buffer.from(Array.from({ length: 251 }, (_, n) => n));
const connections = [];

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const pattern = (size) => (size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, CYCLE));

function attend(ws, options) {
  connections.push(ws);
  ws.on("message", (data, binary) => {
    if (options.echo) ws.send(data, { binary });
    else if (!binary) tell({ saw: "text", text: data.toString() });
    else tell({ saw: "binary", size: data.length, intact: data.equals(pattern(data.length)) });
  });
  ws.on("pong", (payload) => tell({ saw: "pong", payload: payload.toString() }));
  ws.on("error", () => {}); // "close" follows, and tells
  ws.on("close", (code, reason) => tell({ saw: "closed", code, reason: reason.toString(), clean: code !== 1006 }));
}

// What the constructors take. Not given, a parameter is as the other likes it; false would refuse.
function deflate({ deflate }) {
  if (!deflate) return {};
  const alone = deflate.takeover ? undefined : true, bits = deflate.window_bits < 15 ? deflate.window_bits : undefined;
  return {
    perMessageDeflate: {
      serverNoContextTakeover: alone, clientNoContextTakeover: alone, serverMaxWindowBits: bits, clientMaxWindowBits: bits,
      threshold: 0,
    },
  };
}

const opened = (ws, headers) => tell({ saw: "open", headers, subprotocol: ws.protocol || null });

async function obey(ws, command) {
  switch (command.do) {
    case "text":
      return ws.send(command.text);
    case "binary":
      return ws.send(pattern(command.size));
    case "burst":
      for (let n = 0; n < command.count; n++) ws.send(`message ${n}`);
      return;
    case "fragments":
      for (const [at, piece] of command.pieces.entries()) {
        if (at === 1 && command.ping !== null) {
          ws.ping(command.ping);
          await once(ws, "pong");
        }
        ws.send(Buffer.from(piece), { binary: !command.text, fin: at === command.pieces.length - 1 });
      }
      return;
    case "not_utf8":
      return ws.send(Buffer.from([0x68, 0xff, 0xfe]), { binary: false });
    case "ping":
      return ws.ping(command.payload);
    case "close":
      return ws.close(command.code, command.reason);
    case "close_empty":
      return ws.close();
    case "break_off":
      return ws.terminate();
  }
}

function serve(options) {
  const { refuse, headers, subprotocols } = options;
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    maxPayload: options.max_size ?? 0,
    ...deflate(options),
    verifyClient: (_, answer) => (refuse ? answer(false, refuse.status, refuse.body) : answer(true)),
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  server.on("headers", (lines) => {
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  });
  server.on("connection", (ws, request) => {
    attend(ws, options);
    opened(ws, request.headers);
  });
  server.on("listening", () => tell({ port: server.address().port }));
}

function connect(url, options) {
  const { headers, max_size, subprotocols } = options;
  const ws = new WebSocket(url, subprotocols, { headers, maxPayload: max_size ?? 0, ...deflate(options) });
  let response;
  ws.on("upgrade", (upgrade) => { response = upgrade; });
  ws.on("open", () => opened(ws, response.headers));
  ws.on("unexpected-response", async (_, refusal) => {
    const body = Buffer.concat(await refusal.toArray()).toString();
    tell({ saw: "refused", status: refusal.statusCode, body });
  });
  attend(ws, options);
}

const [mode, ...rest] = process.argv.slice(2);
const options = JSON.parse(rest.at(-1));
if (mode === "serve") serve(options);
else for (let n = 0; n < options.count; n++) connect(rest[0], options);

for await (const line of createInterface({ input: process.stdin })) {
  for (const ws of connections) await obey(ws, JSON.parse(line));
}
process.exit(0);
