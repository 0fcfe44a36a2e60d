import { randomInt } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { requestText } from "../wire.ts";

/** Keeps connections of hostile clients open until `until`, more than the server allows; each that ends is replaced. */
export async function holdHostileConnections(
  port: number,
  { count, until }: HostileOptions,
): Promise<number> {
  let opened = 0;
  const one = async (kind: number): Promise<void> => {
    await after(randomInt(OPENED_MS));
    for (let next = kind; performance.now() < until; next += 1) {
      opened += 1;
      await hostile(connect(port, "127.0.0.1"), KINDS[next % KINDS.length] ?? silent, until);
    }
  };
  await Promise.all(Array.from({ length: count }, async (_, at) => one(at)));
  return opened;
}

export interface HostileOptions {
  /** At once. */
  readonly count: number;
  /** By `performance.now()`. */
  readonly until: number;
}

const REOPENED_MS = 2_000;
/** The first connections are opened within this time, so that what is measured is the server, not the test's own process. */
const OPENED_MS = 8_000;

/** Requests sent at once, more than the server answers on one connection. */
const PIPELINED = 30;

type Behaviour = (socket: Socket) => void;

const WEBHOOK = "/webhooks/tradingview";
const post = (...more: readonly string[]): readonly string[] => [
  `POST ${WEBHOOK} HTTP/1.1`,
  "host: x",
  ...more,
];

const silent: Behaviour = () => undefined;
const halfHeaders: Behaviour = (socket) => socket.write("POST /pause HTTP/1.1\r\nhost: x\r\n");
const halfBody: Behaviour = (socket) => socket.write(requestText(post("content-length: 100"), '{"message":'));
const halfChunk: Behaviour = (socket) =>
  socket.write(requestText(post("transfer-encoding: chunked"), "ff\r\nhalf of it"));
/** One byte at a time, as slow as the server lets it. */
const drops: Behaviour = (socket) => {
  const text = requestText(post("content-length: 1000"));
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++] ?? " "), 50);
  socket.once("close", () => clearInterval(timer));
};
const neverReads: Behaviour = (socket) => {
  socket.pause();
  socket.write(requestText(["GET /readyz HTTP/1.1", "host: x"]).repeat(PIPELINED));
};
const pipelines: Behaviour = (socket) =>
  socket.write(requestText(post("content-length: 2"), "{}").repeat(PIPELINED));
const smuggles: Behaviour = (socket) =>
  socket.write(
    requestText(
      post("content-length: 4", "transfer-encoding: chunked"),
      "0\r\n\r\nPOST /pause HTTP/1.1\r\nhost: x\r\n\r\n",
    ),
  );
const idles: Behaviour = (socket) => socket.write(requestText(["GET /healthz HTTP/1.1", "host: x"]));
const hugeHeaders: Behaviour = (socket) => socket.write(requestText(post(`x: ${"x".repeat(100_000)}`)));
const hugeBody: Behaviour = (socket) =>
  socket.write(requestText(post("content-length: 300000"), "x".repeat(300_000)));
const resets: Behaviour = (socket) => {
  socket.write(requestText(post("content-length: 100"), "{"), () => socket.resetAndDestroy());
};

const KINDS: readonly Behaviour[] = [
  silent,
  halfHeaders,
  halfBody,
  halfChunk,
  drops,
  neverReads,
  pipelines,
  smuggles,
  idles,
  hugeHeaders,
  hugeBody,
  resets,
];

/** Longer than most of what the server waits for; then the client has lost its patience. */
const HELD_MS_MAX = 12_000;

async function hostile(socket: Socket, behave: Behaviour, until: number): Promise<void> {
  // What a peer that is closed does not get is no fault.
  socket.on("error", () => socket.destroy());
  socket.resume();
  const msMax = Math.min(HELD_MS_MAX, Math.max(0, until - performance.now())) - randomInt(100);
  const timer = setTimeout(() => socket.destroy(), Math.max(msMax, 1));
  socket.once("connect", () => behave(socket));
  await new Promise<void>((resolve) => {
    socket.once("close", () => resolve());
  });
  clearTimeout(timer);
  // One that is closed at once comes back, but the test's own process has to keep up.
  await after(REOPENED_MS + randomInt(REOPENED_MS));
}
