import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { getRequestListener, RequestError, type HttpBindings } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context } from "hono";
import type { Logger } from "pino";
import { TIMER_MS_MAX } from "../../../shared/config/config.ts";
import type { Running, StopOutcome } from "../../engine/running.ts";
import { MisconfigurationError } from "../../environment.ts";
import { bareProblemResponse } from "./bare-problem.ts";
import { watchConnections } from "./connections.ts";
import { refuseMalformed } from "./malformed-requests.ts";

/** What clients are granted. */
export interface HttpLimits {
  /** Longest time for the headers of a request to arrive, from its first byte or the connection's start. */
  readonly headersMsMax: number;
  /** The same for the whole request. */
  readonly requestMsMax: number;
  /** How often both are looked at. */
  readonly checkEveryMs: number;
  /** How long a connection is kept for another request. */
  readonly keepAliveMs: number;
  /** How long a peer may leave an answer unread. */
  readonly stalledMsMax: number;
  readonly connectionsMax: number;
}

const LIMITS: HttpLimits = {
  headersMsMax: 5_000,
  requestMsMax: 10_000,
  checkEveryMs: 500,
  // Load balancers keep theirs for 60 s: one that we close first may be given a request at that very moment.
  keepAliveMs: 65_000,
  // The system tells of room for more by the megabyte: whoever reads 50 kB a second is to be seen reading.
  stalledMsMax: 30_000,
  // Far below the 1,024 open files that many systems grant a process: Redis and Postgres need some, too.
  connectionsMax: 500,
};
const HEADER_BYTES_MAX = 16_384;

export interface HttpServerOptions {
  /** HTTP_HOST */
  readonly host: string;
  /** HTTP_PORT; 0: a free one. */
  readonly port: number;
  readonly logger: Logger;
  /** Told, each time, of what keeps the server from taking requests; never of a single request. */
  readonly onFailure: (error: Error) => void;
  readonly limits?: Partial<HttpLimits>;
}

/** An app as `createHttpApp` makes it. */
export interface HttpHandler {
  fetch(request: Request, bindings: HttpBindings): Response | Promise<Response>;
}

/** A server that takes requests. */
export interface HttpServer extends Running {
  /** Where it is reached from this machine, such as `http://127.0.0.1:8080`. */
  readonly url: string;
}

/** Serves the app. @throws MisconfigurationError when it cannot listen where it should */
export async function startHttpServer(
  app: HttpHandler,
  { host, port, logger, onFailure, limits }: HttpServerOptions,
): Promise<HttpServer> {
  const { headersMsMax, requestMsMax, checkEveryMs, keepAliveMs, stalledMsMax, connectionsMax } = {
    ...LIMITS,
    ...limits,
  };
  const listener = getRequestListener((request, bindings) => app.fetch(request, bindings as HttpBindings), {
    // For clients that name no host, as the health checks of some proxies (HTTP/1.0).
    hostname: "localhost",
    errorHandler: (error) => unexpected(error, logger),
  });
  const server = createServer({
    headersTimeout: headersMsMax,
    requestTimeout: requestMsMax,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: HEADER_BYTES_MAX,
    // A peer that has vanished without a word is noticed in the end.
    keepAlive: true,
  });
  server.maxConnections = connectionsMax;
  server.on("drop", () => onFailure(new Error(`${connectionsMax} connections are open, more are refused`)));
  server.on("request", (incoming, outgoing) => {
    listener(incoming, outgoing).catch((error: unknown) => {
      logger.error({ err: error }, "an answer could not be sent");
      outgoing.destroy();
    });
  });
  const connections = watchConnections(server, { crowdedAt: Math.ceil(connectionsMax * 0.8), stalledMsMax });
  refuseMalformed(server, connections);
  const address = await listen(server, { host, port });
  server.on("error", onFailure);

  return {
    url: urlOf(address),
    async stop({ msMax = TIMER_MS_MAX } = {}) {
      const closed = new Promise<StopOutcome>((resolve) => {
        server.close(() => resolve("finished"));
      });
      connections.drain();
      const over = new AbortController();
      const late = pause<StopOutcome>(msMax, "cut_off", { signal: over.signal });
      const outcome = await Promise.race([closed, late]);
      over.abort();
      if (outcome === "cut_off") {
        logger.error("requests that were still being answered were cut off");
        server.closeAllConnections();
        await closed;
      }
      return outcome;
    },
  };
}

/** Address of the peer of a request to this server. */
export function peerAddressOf(c: Context): string | undefined {
  return getConnInfo(c).remote.address;
}

function unexpected(error: unknown, logger: Logger): Response {
  if (error instanceof RequestError) {
    return bareProblemResponse({
      status: 400,
      code: "bad_request",
      detail: `the request's address or host is none: ${error.message}`,
    });
  }
  logger.error({ err: error }, "the app failed");
  const hint = "the router's log has the details";
  return bareProblemResponse({
    status: 500,
    code: "internal_error",
    detail: "something went wrong that should not have",
    hint,
  });
}

interface Place {
  readonly host: string;
  readonly port: number;
}

async function listen(server: Server, place: Place): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(faultOf(error, place));
    server.once("error", failed);
    server.listen(place, () => {
      server.off("error", failed);
      resolve();
    });
  });
  // A string only for sockets in the file system, null only before it listens.
  return server.address() as AddressInfo;
}

function faultOf(error: NodeJS.ErrnoException, { host, port }: Place): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new MisconfigurationError(
        `HTTP_PORT: something else listens on port ${port} of ${host} already: stop it, or set HTTP_PORT to another port (0: a free one)`,
      );
    case "EACCES":
      return new MisconfigurationError(
        `HTTP_PORT: this user may not listen on port ${port}: set HTTP_PORT to one above 1023`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new MisconfigurationError(
        `HTTP_HOST: ${host} is not an address of this machine: set it to one, such as 127.0.0.1, or to 0.0.0.0 for all of them`,
      );
    case undefined:
    default:
      return error;
  }
}

function urlOf({ address, port }: AddressInfo): string {
  const isEvery = address === "0.0.0.0" || address === "::";
  const host = address.includes(":") ? `[${address}]` : address;
  return `http://${isEvery ? "localhost" : host}:${port}`;
}
