import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** The connections of a server, and what is being answered on each. */
export interface Connections {
  /** Whether part of an answer is on the wire: anything written now would end up in the middle of it. */
  isAnswering(socket: Duplex): boolean;
  /** Ends connections on which nothing is asked, and from now on each as soon as its last answer is out. */
  drain(): void;
}

/**
 * Keeps an eye on every connection; to be called before the server listens. When there are more than `crowdedAt`, a new one
 * ends the oldest on which nothing is asked, so that nobody can keep others out with connections that do nothing.
 */
export function watchConnections(server: Server, { crowdedAt }: { readonly crowdedAt: number }): Connections {
  const answers = new Map<Duplex, Set<ServerResponse>>();
  let draining = false;

  server.on("connection", (socket: Duplex) => {
    if (answers.size >= crowdedAt) oldestIdle(answers)?.destroy();
    answers.set(socket, new Set());
    socket.once("close", () => answers.delete(socket));
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
