import type { Services } from "../setup/services.ts";
import { createHttpApp } from "./app.ts";
import type { HttpServer } from "./server/server.ts";
import { startSocketServer } from "./server/socket-server.ts";

/**
 * Serves the app to the owner of the data folder, on the socket in it, whatever HTTP_* say; undefined when it cannot be served,
 * which is a WARNING.
 */
export async function serveOwner(services: Services, dataDir: string): Promise<HttpServer | undefined> {
  const app = createHttpApp({ services, askedBy: "owner" });
  return startSocketServer(app, { dataDir, logger: services.logger });
}
