import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * Tracks every connection of a server, so that idle connections, half-sent requests and unread answers do not keep other
 * clients out. Call it before the server listens.
 */
export function watchConnections(server: Server, limits: ConnectionLimits): Connections {
  const { connectionsMax, stalledMsMax, onFull } = limits;
  /** The one longest without a right token or secret comes first. */
  const connections = new Map<Duplex, Connection>();
  let draining = false;

  server.on("connection", (socket: Duplex) => {
    if (connections.size >= connectionsMax) {
      const longest = longestUnauthenticated(connections);
      onFull(longest === undefined ? "new_one_closed" : "oldest_closed");
      (longest ?? socket).destroy();
      if (longest === undefined) return;
      connections.delete(longest);
    }
    connections.set(socket, { open: new Set(), authenticated: new Set() });
    socket.once("close", () => connections.delete(socket));
  });
  // Node restarts this timer whenever bytes come or go, also in the middle of one long write.
  server.timeout = stalledMsMax;
  server.on("timeout", (socket) => {
    // An open answer may take long to come; without one, this is the end of keepAliveTimeout.
    if (socket.writableLength > 0 || connections.get(socket)?.open.size === 0) socket.destroy();
  });
  const track = (socket: Socket, answer: ServerResponse): void => {
    const connection = connections.get(socket);
    connection?.open.add(answer);
    if (draining) announceClose(answer);
    answer.once("close", () => {
      connection?.open.delete(answer);
      if (connection?.authenticated.delete(answer) === true && connections.delete(socket))
        connections.set(socket, connection);
      if (draining && connection?.open.size === 0) socket.destroySoon();
    });
  };

  return {
    admit({ socket }, answer) {
      const connection = connections.get(socket);
      const unauthenticated = (connection?.open.size ?? 0) - (connection?.authenticated.size ?? 0);
      if (socket.destroyed || unauthenticated >= PIPELINED_MAX) {
        socket.destroy();
        return false;
      }
      track(socket, answer);
      return true;
    },
    authenticated: (socket, answer) => void connections.get(socket)?.authenticated.add(answer),
    isAnswering: (socket) =>
      [...(connections.get(socket)?.open ?? [])].some(({ headersSent }) => headersSent),
    drain() {
      draining = true;
      for (const [socket, { open }] of connections) {
        // Browsers open connections in advance; those have never carried a request.
        if (open.size === 0) socket.destroy();
        else for (const answer of open) announceClose(answer);
      }
    },
  };
}

/** The answers in progress on a connection. */
interface Connection {
  readonly open: Set<ServerResponse>;
  /** Those to requests with the right token or secret. */
  readonly authenticated: Set<ServerResponse>;
}

/** Of one connection; each costs more to answer than to send, and no browser, proxy or sender of alerts sends two at once. */
const PIPELINED_MAX = 10;

/** The connections of a server. */
export interface Connections {
  /**
   * Takes note of a request, before it is answered. False: it is not to be answered; its connection was closed, because it has
   * sent too many requests without the token or the secret ahead of their answers.
   */
  admit(request: IncomingMessage, answer: ServerResponse): boolean;
  /** Reports that the request of this answer had the right token or secret. */
  authenticated(socket: Duplex, answer: ServerResponse): void;
  /** Whether part of an answer has been sent: anything written now would end up in the middle of it. */
  isAnswering(socket: Duplex): boolean;
  /** Closes idle connections, and from now on every other one as soon as its last answer is sent. */
  drain(): void;
}

export interface ConnectionLimits {
  /** When so many are open, a new one closes the one longest without a right token or secret. */
  readonly connectionsMax: number;
  /** How long a peer may read nothing of an answer; it is noticed after twice that time at the latest. */
  readonly stalledMsMax: number;
  /** Called for each connection closed for `connectionsMax`; it is the new one when all others have requests in progress. */
  readonly onFull: (closed: "oldest_closed" | "new_one_closed") => void;
}

function longestUnauthenticated(connections: ReadonlyMap<Duplex, Connection>): Duplex | undefined {
  for (const [socket, { authenticated }] of connections) if (authenticated.size === 0) return socket;
  return undefined;
}

/** Asks the client not to use the connection again, if the headers can still be changed. */
function announceClose(answer: ServerResponse): void {
  if (!answer.headersSent) answer.setHeader("connection", "close");
}
