import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The connections of a server, and what is being answered on each. */
export interface Connections {
  /** Whether part of an answer is on the wire: anything written now would end up in the middle of it. */
  isAnswering(socket: Duplex): boolean;
  /** Ends connections on which nothing is asked, and from now on each as soon as its last answer is out. */
  drain(): void;
}

/** What a connection is granted. */
export interface ConnectionLimits {
  /** From this many connections on, a new one ends the oldest on which nothing is asked. */
  readonly crowdedAt: number;
  /** How long a peer may take nothing of what waits to be sent to it; noticed after twice that at the latest. */
  readonly stalledMsMax: number;
}

/**
 * Keeps an eye on every connection; to be called before the server listens. Nobody can keep others out with connections on
 * which nothing is asked, or no answer read.
 */
export function watchConnections(server: Server, { crowdedAt, stalledMsMax }: ConnectionLimits): Connections {
  const answers = new Map<Duplex, Set<ServerResponse>>();
  let draining = false;

  server.on("connection", (socket: Duplex) => {
    if (answers.size >= crowdedAt) oldestIdle(answers)?.destroy();
    answers.set(socket, new Set());
    socket.once("close", () => answers.delete(socket));
  });
  // Node starts this time anew whenever bytes come or go, also in the midst of one long write.
  server.timeout = stalledMsMax;
  server.on("timeout", (socket) => {
    // An answer may be long in coming; where none is open, this is the end of keepAliveTimeout.
    if (socket.writableLength > 0 || answers.get(socket)?.size === 0) socket.destroy();
  });
  server.on("request", ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const open = answers.get(socket);
    open?.add(answer);
    if (draining) sayLast(answer);
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
        // Browsers open connections to have them at hand; those have never asked anything.
        if (open.size === 0) socket.destroy();
        else for (const answer of open) sayLast(answer);
      }
    },
  };
}

function oldestIdle(answers: ReadonlyMap<Duplex, ReadonlySet<ServerResponse>>): Duplex | undefined {
  for (const [socket, open] of answers) if (open.size === 0 && !socket.destroyed) return socket;
  return undefined;
}

/** Tells the client not to use the connection again, while it can still be told. */
function sayLast(answer: ServerResponse): void {
  if (!answer.headersSent) answer.setHeader("connection", "close");
}
