import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, RequestError, type HttpBindings } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import type { Logger } from "pino";
import { TIMER_MS_MAX } from "../../../shared/config/config.ts";
import type { Running, StopOutcome } from "../../../shared/running.ts";
import { within } from "../../engine/time-limit.ts";
import { MisconfigurationError } from "../../environment.ts";
import { INTERNAL_ERROR } from "../problem.ts";
import { bareProblemResponse } from "./bare-problem.ts";
import { watchConnections } from "./connections.ts";
import { refuseMalformed } from "./malformed-requests.ts";

/**
 * Serves the app over HTTP. This room accepts connections, limits how a client may use them, and answers what is not a valid
 * request. @throws MisconfigurationError when it cannot listen on this host and port, Error when it cannot on this path
 */
export async function startHttpServer(
  app: HttpHandler,
  { logger, onFailure, onCrowded, limits, ...place }: HttpServerOptions,
): Promise<HttpServer> {
  const { headersMsMax, requestMsMax, checkEveryMs, keepAliveMs, stalledMsMax, connectionsMax } = {
    ...LIMITS,
    ...limits,
  };
  const listener = getRequestListener(
    (request, bindings) => {
      const { incoming, outgoing } = bindings as HttpBindings;
      const authenticated = (): void => connections.authenticated(incoming.socket, outgoing);
      return app.fetch(request, { incoming, outgoing, authenticated });
    },
    {
      // For clients that send no Host, such as the health checks of some proxies (HTTP/1.0).
      hostname: "localhost",
      errorHandler: (error) => unexpectedResponse(error, logger),
    },
  );
  const server = createServer({
    headersTimeout: headersMsMax,
    requestTimeout: requestMsMax,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: HEADER_BYTES_MAX,
    // Detects a peer that disappeared without closing the connection.
    keepAlive: true,
  });
  server.on("request", (incoming, outgoing) => {
    if (!connections.admit(incoming, outgoing)) return;
    const answer = (): void => {
      listener(incoming, outgoing).catch((error: unknown) => {
        logger.error({ err: error }, "an answer could not be sent");
        outgoing.destroy();
      });
    };
    if (hasUnreadBody(incoming)) incoming.resume().once("end", answer);
    else answer();
  });
  const connections = watchConnections(server, {
    connectionsMax,
    stalledMsMax,
    onFull(closed) {
      const full = `the maximum of ${connectionsMax} connections is open`;
      if (closed === "oldest_closed")
        onCrowded(
          new Error(
            `${full}: for each new one, the one longest without a right token or secret is closed; requests with it are still answered`,
          ),
        );
      else onFailure(new Error(`${full}, all with requests in progress: new ones are closed`));
    },
  });
  refuseMalformed(server, connections);
  const address = await listen(server, place);
  server.on("error", onFailure);

  return {
    url: urlOf(address),
    async stop({ msMax = TIMER_MS_MAX } = {}) {
      const closed = new Promise<StopOutcome>((resolve) => {
        server.close(() => resolve("finished"));
      });
      connections.drain();
      const outcome = await within(msMax, closed, (): StopOutcome => "cut_off");
      if (outcome === "cut_off") {
        logger.error("requests that were still in progress were cut off");
        server.closeAllConnections();
        await closed;
      }
      return outcome;
    },
  };
}

/** No route reads the body of a GET. Bytes that are not read have the system cut off a long answer when the connection is closed. */
function hasUnreadBody({ method, headers }: IncomingMessage): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

export interface HttpLimits {
  /** Time for the headers of a request to arrive, from its first byte or the start of the connection. */
  readonly headersMsMax: number;
  /** Time for the whole request to arrive, from the same moment. */
  readonly requestMsMax: number;
  /** How often both are checked. */
  readonly checkEveryMs: number;
  /** How long a connection stays open for another request. */
  readonly keepAliveMs: number;
  /** How long a peer may read nothing of an answer. */
  readonly stalledMsMax: number;
  readonly connectionsMax: number;
}

const LIMITS: HttpLimits = {
  headersMsMax: 5_000,
  requestMsMax: 10_000,
  checkEveryMs: 500,
  // Longer than the 60 s of load balancers: one might send a request on a connection that is being closed here.
  keepAliveMs: 65_000,
  // The system reports room for more only by the megabyte: a client that reads 50 kB a second must be seen reading.
  stalledMsMax: 30_000,
  // Node raises the limit of open files to what the system allows, which is 4,096 or more nearly everywhere.
  connectionsMax: 1_000,
};
const HEADER_BYTES_MAX = 16_384;
/** Connections that wait to be accepted, as far as the system allows; beyond it an alert waits a second or more for its turn. */
const BACKLOG = 4_096;

export type HttpServerOptions = ServingOptions & ListenPlace;

/** A port of a host, or a Unix socket; its file is removed at the stop. */
type ListenPlace = NetworkPlace | { readonly path: string };

interface NetworkPlace {
  /** HTTP_HOST */
  readonly host: string;
  /** HTTP_PORT; 0: a free one. */
  readonly port: number;
}

interface ServingOptions {
  readonly logger: Logger;
  /** Called for every failure to accept connections; never for a failed request. */
  readonly onFailure: (error: Error) => void;
  /** Called whenever a connection without a right token or secret is closed to make room for a new one. */
  readonly onCrowded: (error: Error) => void;
  readonly limits?: Partial<HttpLimits>;
}

/** An app as `createHttpApp` makes it. */
export interface HttpHandler {
  fetch(request: Request, bindings: ServerBindings): Response | Promise<Response>;
}

/** What the app gets of this server with each request. */
export interface ServerBindings extends HttpBindings {
  /** To be called when the request has the right token or secret: its connection is then among the last to be closed. */
  readonly authenticated: () => void;
}

export interface HttpServer extends Running {
  /** URL on this machine, such as `http://127.0.0.1:8080`; of a Unix socket its path. */
  readonly url: string;
}

/** Address of the peer of a request to this server. */
export function peerAddressOf(c: Context): string | undefined {
  return getConnInfo(c).remote.address;
}

function unexpectedResponse(error: unknown, logger: Logger): Response {
  if (error instanceof RequestError) {
    return bareProblemResponse({
      status: 400,
      code: "bad_request",
      detail: `the request's URL or Host header is not valid: ${error.message}`,
    });
  }
  logger.error({ err: error }, "the HTTP app failed unexpectedly");
  return bareProblemResponse({ ...INTERNAL_ERROR, hint: "the router's log has the details" });
}

async function listen(server: Server, wanted: ListenPlace): Promise<AddressInfo | string> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      reject("path" in wanted ? error : listenError(error, wanted));
    server.once("error", failed);
    server.listen({ ...wanted, backlog: BACKLOG }, () => {
      server.off("error", failed);
      resolve();
    });
  });
  // It is null only before it listens.
  return server.address() as AddressInfo | string;
}

function listenError(error: NodeJS.ErrnoException, { host, port }: NetworkPlace): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new MisconfigurationError(
        `HTTP_PORT: port ${port} of ${host} is in use by another process: stop it, or set HTTP_PORT to another port (0: a free one)`,
      );
    case "EACCES":
      return new MisconfigurationError(
        `HTTP_PORT: this user is not allowed to listen on port ${port}: set HTTP_PORT to a port above 1023`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new MisconfigurationError(
        `HTTP_HOST: ${host} is not an address of this machine: set it to one, such as 127.0.0.1, or to 0.0.0.0 for all addresses`,
      );
    case undefined:
    default:
      return error;
  }
}

function urlOf(listening: AddressInfo | string): string {
  if (typeof listening === "string") return listening;
  const { address, port } = listening;
  const isEvery = address === "0.0.0.0" || address === "::";
  const host = address.includes(":") ? `[${address}]` : address;
  return `http://${isEvery ? "localhost" : host}:${port}`;
}
