import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { READY } from "./client-process.ts";

/** A client that sends PING every millisecond: the JSON argument it is started with. */
export interface PingingTask {
  readonly port: number;
}

/** The JSON it prints on SIGTERM, after it has printed that it is ready. */
export interface PingingAnswer {
  /** When each ping was sent (ms since 1970) and how long its answer took, in the order of sending. */
  readonly pings: readonly (readonly [sentAt: number, waitMs: number])[];
}

const EVERY_MS = 1;
const PONG_BYTES = "+PONG\r\n".length;

/**
 * Sends by a schedule, answered or not, so that a long wait is met by every ping that falls into it. Time starts when a
 * ping is sent: a late timer is a delay of this process, not of Redis. A bare socket costs least.
 */
async function sendPings({ port }: PingingTask): Promise<PingingAnswer> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const sentAt: number[] = [];
  const pings: [number, number][] = [];
  let bytes = 0;
  const stopping = new AbortController();
  socket.on("data", (chunk) => {
    const now = performance.now();
    bytes += chunk.length;
    for (const at of sentAt.slice(pings.length, Math.floor(bytes / PONG_BYTES))) {
      pings.push([performance.timeOrigin + at, now - at]);
    }
  });
  process.once("SIGTERM", () => stopping.abort());
  await once(socket, "connect");
  console.log(READY);
  const startedAt = performance.now();
  while (!stopping.signal.aborted) {
    const waitMs = startedAt + sentAt.length * EVERY_MS - performance.now();
    if (waitMs > 0) {
      await pause(waitMs);
    } else {
      sentAt.push(performance.now());
      socket.write("PING\r\n");
    }
  }
  // The process that started this one limits how long that may take.
  while (pings.length < sentAt.length) await pause(EVERY_MS);
  socket.destroy();
  return { pings };
}

const task = JSON.parse(process.argv[2] ?? "") as PingingTask;
console.log(JSON.stringify(await sendPings(task)));
