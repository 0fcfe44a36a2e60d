import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { READY } from "./client-process.ts";

/** What the client is started with. */
export interface PingingTask {
  readonly port: number;
}

/** What it prints when it is told to end (SIGTERM), having said that it is ready. */
export interface PingingAnswer {
  /** Milliseconds since 1970 when a ping was sent, and how long its answer took, in ms; in the order they were sent. */
  readonly pings: readonly (readonly [sentAt: number, waitMs: number])[];
}

const EVERY_MS = 1;
const PONG_BYTES = "+PONG\r\n".length;

/**
 * Sends PING by a schedule, whether or not the one before is answered, so that a long wait is met by as many pings as fall
 * into it. On a bare socket, since only waiting is to cost time; and from when it is sent, since a timer that is late tells
 * of this process and not of Redis.
 */
async function sendPings({ port }: PingingTask): Promise<PingingAnswer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const sentAt: number[] = [];
  const pings: [number, number][] = [];
  let bytes = 0;
  const told = new AbortController();
  socket.on("data", (chunk) => {
    const now = performance.now();
    bytes += chunk.length;
    for (const at of sentAt.slice(pings.length, Math.floor(bytes / PONG_BYTES))) {
      pings.push([performance.timeOrigin + at, now - at]);
    }
  });
  process.once("SIGTERM", () => told.abort());
  await once(socket, "connect");
  console.log(READY);
  const startedAt = performance.now();
  while (!told.signal.aborted) {
    const waitMs = startedAt + sentAt.length * EVERY_MS - performance.now();
    if (waitMs > 0) {
      await pause(waitMs);
    } else {
      sentAt.push(performance.now());
      socket.write("PING\r\n");
    }
  }
  // Whoever started it waits for its end only so long.
  while (pings.length < sentAt.length) await pause(EVERY_MS);
  socket.destroy();
  return { pings };
}

const task = JSON.parse(process.argv[2] ?? "") as PingingTask;
console.log(JSON.stringify(await sendPings(task)));
