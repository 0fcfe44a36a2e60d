import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Tracks every connection of a server, so that idle connections and unread answers do not keep other clients out. Call it
 * before the server listens.
 */
export function watchConnections(server: Server, { softMax, stalledMsMax }: ConnectionLimits): Connections {
  const answers = new Map<Duplex, Set<ServerResponse>>();
  let draining = false;

  server.on("connection", (socket: Duplex) => {
    if (answers.size >= softMax) oldestIdle(answers)?.destroy();
    answers.set(socket, new Set());
    socket.once("close", () => answers.delete(socket));
  });
  // Node restarts this timer whenever bytes come or go, also in the middle of one long write.
  server.timeout = stalledMsMax;
  server.on("timeout", (socket) => {
    // An open answer may take long to come; without one, this is the end of keepAliveTimeout.
    if (socket.writableLength > 0 || answers.get(socket)?.size === 0) socket.destroy();
  });
  server.on("request", ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const open = answers.get(socket);
    open?.add(answer);
    if (draining) announceClose(answer);
    answer.once("close", () => {
      open?.delete(answer);
      if (draining && open?.size === 0) socket.destroySoon();
    });
  });

  return {
    isAnswering: (socket) => [...(answers.get(socket) ?? [])].some(({ headersSent }) => headersSent),
    drain() {
      draining = true;
      for (const [socket, open] of answers) {
        // Browsers open connections in advance; those have never carried a request.
        if (open.size === 0) socket.destroy();
        else for (const answer of open) announceClose(answer);
      }
    },
  };
}

/** The connections of a server, and the answers in progress on each. */
export interface Connections {
  /** Whether part of an answer has been sent: anything written now would end up in the middle of it. */
  isAnswering(socket: Duplex): boolean;
  /** Closes idle connections, and from now on every other one as soon as its last answer is sent. */
  drain(): void;
}

export interface ConnectionLimits {
  /** From this many connections on, a new one closes the oldest idle one. */
  readonly softMax: number;
  /** How long a peer may read nothing of an answer; it is noticed after twice that time at the latest. */
  readonly stalledMsMax: number;
}

function oldestIdle(answers: ReadonlyMap<Duplex, ReadonlySet<ServerResponse>>): Duplex | undefined {
  for (const [socket, open] of answers) if (open.size === 0 && !socket.destroyed) return socket;
  return undefined;
}

/** Asks the client not to use the connection again, if the headers can still be changed. */
function announceClose(answer: ServerResponse): void {
  if (!answer.headersSent) answer.setHeader("connection", "close");
}
