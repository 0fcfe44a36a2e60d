import { chmod, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { lock } from "proper-lockfile";
import { messageOf } from "../../../shared/error-message.ts";
import { isListeningOn, SOCKET_FILE, SOCKET_PATH_BYTES_MAX, socketPath } from "../../local/router-socket.ts";
import { startHttpServer, type HttpHandler, type HttpServer } from "./server.ts";

/**
 * Serves an app on the socket in the data folder, for this user alone. A file that a killed router has left is replaced. Trading
 * does not need the socket, so whatever keeps it from being served is a WARNING, and undefined is answered.
 */
export async function startSocketServer(
  app: HttpHandler,
  { dataDir, logger }: SocketServerOptions,
): Promise<HttpServer | undefined> {
  const path = socketPath(dataDir);
  if (path === undefined) {
    logger.warn(
      `${join(dataDir, SOCKET_FILE)} has more than ${SOCKET_PATH_BYTES_MAX} bytes, which no socket may have: commands cannot ask this router, and find the embedded database in use. Move the folder to a shorter path; trading goes on`,
    );
    return undefined;
  }
  try {
    return await withLock(path, { dataDir, logger }, async () => listenOn(path, app, logger));
  } catch (error) {
    logger.warn(`commands cannot ask this router, trading goes on: ${path}: ${messageOf(error)}`);
    return undefined;
  }
}

export interface SocketServerOptions {
  readonly dataDir: string;
  readonly logger: Logger;
}

async function listenOn(path: string, app: HttpHandler, logger: Logger): Promise<HttpServer | undefined> {
  if (await isListeningOn(path)) {
    logger.warn(`another router answers on ${path}: commands in this folder ask that one, not this one`);
    return undefined;
  }
  await rm(path, { force: true });
  const warn = ({ message }: Error): void => logger.warn(`the socket of commands, ${path}: ${message}`);
  const server = await startHttpServer(app, { path, logger, onFailure: warn, onCrowded: warn });
  try {
    // Until here only the folder keeps other users out, which it does as well.
    await chmod(path, 0o600);
    return server;
  } catch (error) {
    await server.stop({ msMax: 0 });
    throw error;
  }
}

/** Two routers that find the same file left behind would each delete the other's new one. */
async function withLock<T>(
  path: string,
  { dataDir, logger }: SocketServerOptions,
  step: () => Promise<T>,
): Promise<T> {
  const release = await lock(dataDir, {
    lockfilePath: `${path}.lock`,
    retries: { forever: true, minTimeout: 50, maxTimeout: 500 },
    onCompromised: (error) => logger.warn({ err: error }, "another process took the lock of the socket"),
  });
  try {
    return await step();
  } finally {
    await release();
  }
}
