import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseAnswer, type Answer } from "./answer.ts";
import type { Operation } from "./description.ts";
import { partsOf, type Shot } from "./shot.ts";

/** Sends a shot over a connection of its own and waits for the server to end it. */
export async function fire(shot: Shot, { port, tokenFor, msMax }: Target): Promise<Outcome> {
  const socket = connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (bytes) => received.push(bytes));
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    socket.destroy();
  }, msMax);
  const ended = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    // A server may answer and close before it has read everything; then the rest cannot be sent.
    socket.on("error", () => socket.destroy());
  });
  await send(socket, shot, partsOf(shot, { token: tokenFor(shot.operation), host: `127.0.0.1:${port}` }));
  await ended;
  clearTimeout(timer);
  if (hung) return { kind: "hung" };
  const bytes = Buffer.concat(received);
  if (bytes.length === 0) return { kind: "closed" };
  const answer = parseAnswer(bytes, shot.method);
  return typeof answer === "string"
    ? { kind: "garbled", why: answer, bytes }
    : { kind: "answered", answer, bytes };
}

/** The result of a shot. `closed`: the connection ended without an answer. `garbled`: the bytes are not an HTTP answer. */
export type Outcome =
  | { readonly kind: "answered"; readonly answer: Answer; readonly bytes: Buffer }
  | { readonly kind: "garbled"; readonly why: string; readonly bytes: Buffer }
  | { readonly kind: "closed" }
  | { readonly kind: "hung" };

export interface Target {
  readonly port: number;
  /** The token or secret for an operation; undefined: for any other path. */
  readonly tokenFor: (operation: Operation | undefined) => string;
  /** A request that has not ended after this time counts as hung. */
  readonly msMax: number;
}

async function send(socket: Socket, shot: Shot, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return;
    socket.write(part);
    // Lets the parts arrive one by one.
    await nextTurn();
  }
  // Garbage may look like the beginning of a request, which the server would wait for.
  if (shot.sending === "truncated" || shot.garbage !== undefined) socket.end();
}
