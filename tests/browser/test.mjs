// Asserts what a person sees who opens the echo example in a browser. Started by ./run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { chromium } from "playwright-core";

const { CHROMIUM, ECHO_CMD, DEFLATE, WORK_DIR } = process.env;
assert(CHROMIUM && ECHO_CMD && WORK_DIR, "start this by tests/browser/run");
const WAIT = 15_000; // for any one condition
const TOTAL = 180_000;

let server = null, context = null, page = null;
let serverSaid = "";
const consoleErrors = [];
let passed = 0, failed = 0, stopping = false;

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// Starts the server in a process group of its own; resolves to the address of its page.
async function startServer() {
  const port = await freePort();
  const command = `exec ${ECHO_CMD} --listen 127.0.0.1:${port}`;
  server = spawn("bash", ["-c", command], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  server.ended = new Promise(resolve => server.once("exit", (code, signal) => resolve(signal ?? code)));
  await writeFile(join(WORK_DIR, "server.pid"), String(server.pid));
  const http = `http://127.0.0.1:${port}/`, ws = `ws://127.0.0.1:${port}/`;
  let printed = "";
  await within("the server's addresses on its standard output", new Promise((resolve, reject) => {
    server.stdout.on("data", data => {
      serverSaid += data;
      printed += data;
      if (printed.includes(http) && printed.includes(ws)) resolve();
    });
    server.stderr.on("data", data => { serverSaid += data; });
    server.ended.then(how => reject(new Error(`the server ended (${how}) before it printed its addresses`)));
  }));
  return http;
}

function within(what, promise, ms = WAIT) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no sign of ${what} in ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function cleanup() {
  if (context) await within("the browser's end", context.close()).catch(() => {});
  if (server && server.exitCode === null && server.signalCode === null) {
    process.kill(-server.pid, "SIGKILL");
    await server.ended;
  }
  await rm(join(WORK_DIR, "server.pid"), { force: true });
}

async function finish() {
  clearTimeout(watchdog);
  await cleanup();
  console.log(`browser: ${passed} passed, ${failed} failed`);
  process.exit(failed || !passed ? 1 : 0);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, async () => {
    stopping = true;
    console.error(`browser: stopped by ${signal}`);
    await cleanup();
    process.exit(1);
  });
}
const watchdog = setTimeout(async () => {
  console.error(`browser: not finished in ${TOTAL / 1000} s`);
  failed += 1;
  await finish();
}, TOTAL);

// What the page shows.
const state = wanted => page.locator(`#state:text-is("${wanted}")`).waitFor();
const mark = () => page.evaluate(() => { for (const row of document.querySelectorAll("#log .row")) row.classList.add("old"); });
const row = (kind, text = "") => page.locator(`#log .row.${kind}:not(.old)`, { hasText: text });
async function shows(kind, { text, size }) {
  const found = row(kind, text).first();
  await found.waitFor({ state: "attached" });
  if (size !== undefined) assert.equal(await found.getAttribute("data-size"), String(size), `${kind}: size`);
  return (await found.locator(".what").textContent());
}
async function sendText(text) {
  await mark();
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
}

async function test(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    if (stopping) await new Promise(() => {}); // the signal's handler ends the process
    failed += 1;
    console.error(`FAILED  ${name}\n${error.stack}`);
    const said = await page?.locator("#log .row").allInnerTexts().catch(() => []) ?? [];
    console.error(`--- the page's log, its end:\n${said.slice(-12).map(r => r.replace(/\s+/g, " ").slice(0, 200)).join("\n")}`);
    console.error(`--- the console's errors:\n${consoleErrors.join("\n")}`);
    console.error(`--- the server's output, its end:\n${serverSaid.slice(-2000)}`);
    console.error("browser: the tests that follow build on this one and were not run");
    await finish();
  }
}

try {
  const address = await startServer();
  const profile = join(WORK_DIR, "profile");
  await mkdir(profile);
  context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context.setDefaultTimeout(WAIT);
  page = context.pages()[0] ?? await context.newPage();
  page.on("console", message => { if (message.type() === "error") consoleErrors.push(message.text()); });
  page.on("pageerror", error => consoleErrors.push(String(error)));

  await test("the page loads, with its title, and asks no other host", async () => {
    const elsewhere = [];
    page.on("request", request => { if (!/^(data:|blob:)/.test(request.url()) && !request.url().startsWith(address)) elsewhere.push(request.url()); });
    const response = await page.goto(address, { waitUntil: "load" });
    assert.equal(response.status(), 200);
    assert.match(response.headers()["content-type"] ?? "", /^text\/html\b/);
    assert.equal(await page.title(), "sansocket echo");
    assert.equal(await page.locator("#url").inputValue(), address.replace("http:", "ws:"));
    assert.deepEqual(elsewhere, []);
  });

  await test("it connects by itself: the state goes from CONNECTING to OPEN", async () => {
    await state("OPEN");
    assert.deepEqual(await page.locator("#log .row.state .what").allTextContents(), ["CONNECTING", "OPEN"]);
  });

  await test("a text of multi-byte characters is echoed and shown", async () => {
    const text = "Grüße, κόσμε 世界 👩‍🚀 <b>&amp;</b>", size = Buffer.byteLength(text);
    await sendText(text);
    assert.equal(await shows("sent", { size }), text);
    assert.equal(await shows("received", { size }), text);
  });

  await test("an empty text is echoed", async () => {
    await sendText("");
    assert.equal(await shows("received", { size: 0 }), "(empty text)");
  });

  await test("a binary file of 70,000 bytes comes back equal", async () => {
    await mark();
    await page.locator("#file").setInputFiles({ name: "random.bin", mimeType: "application/octet-stream", buffer: randomBytes(70_000) });
    await page.locator("#send-file").click();
    assert.equal(await shows("sent", { size: 70_000 }), "binary, random.bin");
    assert.equal(await shows("received", { size: 70_000 }), "binary, equal to what was sent");
  });

  await test(DEFLATE ? "compression is agreed on, and the page says so" : "no extension is agreed on", async () => {
    const extensions = await page.evaluate(() => socket.extensions);
    const info = await page.locator("#info").textContent();
    assert.match(extensions, DEFLATE ? /^permessage-deflate\b/ : /^$/);
    assert.equal(info, DEFLATE ? `Extensions: ${extensions}` : "");
  });

  await test("1 MiB of varied text comes back equal", async () => {
    const result = await page.evaluate(wait => new Promise((resolve, reject) => {
      // Words, as often as in a language: much repetition, and no two lines the same.
      const words = ["κόσμε", "grüße", "世界", "🚀", "👩‍🚀", "echo", "naïve", "the", "a\n", "\u0000", "\uffff"];
      let text = "", seed = 1;
      while (text.length < 600_000) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        text += words[(seed >>> 16) % words.length] + (seed % 7 ? " " : seed);
      }
      const encoder = new TextEncoder();
      // Exactly 1 MiB: cut where a character ends, and filled up.
      let { read, written } = encoder.encodeInto(text, new Uint8Array(2 ** 20));
      text = text.slice(0, read) + ".".repeat(2 ** 20 - written);
      const ws = new WebSocket(document.getElementById("url").value);
      setTimeout(() => reject(new Error("no echo in time")), wait);
      ws.onerror = () => reject(new Error("the connection failed"));
      ws.onopen = () => ws.send(text);
      ws.onmessage = ({ data }) => {
        ws.onclose = e => resolve({ size: encoder.encode(text).length, equal: data === text, code: e.code });
        ws.close(1000);
      };
    }), WAIT);
    assert.deepEqual(result, { size: 2 ** 20, equal: true, code: 1000 });
  });

  await test("256 KiB of text comes back equal, and is shown shortened", async () => {
    const result = await page.evaluate(wait => new Promise((resolve, reject) => {
      const text = "aé€🚀".repeat(26_214) + "last"; // ten bytes each time
      const ws = new WebSocket(document.getElementById("url").value);
      setTimeout(() => reject(new Error("no echo in time")), wait);
      ws.onerror = () => reject(new Error("the connection failed"));
      ws.onopen = () => ws.send(text);
      ws.onmessage = ({ data }) => {
        ws.onclose = e => resolve({ size: new TextEncoder().encode(text).length, equal: data === text, code: e.code });
        ws.close(1000);
      };
    }), WAIT);
    assert.deepEqual(result, { size: 256 * 1024, equal: true, code: 1000 });
    await sendText("long ".repeat(256 * 1024 / 5 + 1).slice(0, 256 * 1024));
    assert.match(await shows("received", { size: 256 * 1024 }), /^long .{280,300} … and 261,844 more$/);
  });

  await test("a close code which the browser refuses is explained, and the connection stays open", async () => {
    await mark();
    await page.locator("#code").fill("2000");
    await page.locator("#close").click();
    assert.match(await shows("error", { text: "2000" }), /3000/);
    await state("OPEN");
  });

  await test("closing with 3001 \"bye\" ends cleanly, with the same code and reason", async () => {
    await mark();
    await page.locator("#code").fill("3001");
    await page.locator("#reason").fill("bye");
    await page.locator("#close").click();
    await state("CLOSED");
    assert.equal(await page.locator("#info").textContent(), "Closed: code 3001, reason “bye”, wasClean true");
    assert.deepEqual(await row("state").locator(".what").allTextContents(), ["CLOSING", "CLOSED"]);
  });

  await test("connecting again works", async () => {
    await page.locator("#connect").click();
    await state("OPEN");
    await sendText("again");
    assert.equal(await shows("received", { size: 5 }), "again");
  });

  await test("a server stopped by SIGINT closes with 1001, and ends", async () => {
    await mark();
    process.kill(server.pid, "SIGINT");
    await state("CLOSED");
    assert.match(await page.locator("#info").textContent(), /^Closed: code 1001 /);
    await within("the server's end", server.ended);
  });

  await test("the console shows no error", async () => assert.deepEqual(consoleErrors, []));

  await test("with no server, connecting says so in plain words", async () => {
    await mark(); // the browser itself reports the refused connection on the console
    await page.locator("#connect").click();
    await shows("error", { text: "Cannot reach the server: is it still running?" });
    await state("CLOSED");
  });
} catch (error) {
  failed += 1;
  console.error(`browser: ${error.message}\n--- the server's output, its end:\n${serverSaid.slice(-2000)}`);
}
await finish();
