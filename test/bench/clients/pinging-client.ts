import { connect } from "node:net";
import { once } from "node:events";
import { percentile } from "./percentiles.ts";

/** What the client is started with. */
export interface PingingTask {
  readonly port: number;
}

/** What it prints when it is told to end (SIGTERM); times in ms. */
export interface PingingAnswer {
  readonly pings: number;
  readonly p50: number;
  readonly p999: number;
  readonly longest: number;
}

const PAUSE_MS = 1;

/** Sends PING again and again, the next a millisecond after the answer. On a bare socket, since only waiting is to cost time. */
const { port } = JSON.parse(process.argv[2] ?? "") as PingingTask;
const socket = connect({ port, host: "127.0.0.1", noDelay: true });
const waitsMs: number[] = [];
let sentAt = 0;

function ping(): void {
  sentAt = performance.now();
  socket.write("PING\r\n");
}

process.once("SIGTERM", () => {
  const answer: PingingAnswer = {
    pings: waitsMs.length,
    p50: percentile(waitsMs, 0.5),
    p999: percentile(waitsMs, 0.999),
    // A ping still under way has waited as long at least.
    longest: Math.max(percentile(waitsMs, 1), performance.now() - sentAt),
  };
  socket.destroy();
  console.log(JSON.stringify(answer));
});

await once(socket, "connect");
socket.on("data", () => {
  waitsMs.push(performance.now() - sentAt);
  setTimeout(ping, PAUSE_MS);
});
ping();
