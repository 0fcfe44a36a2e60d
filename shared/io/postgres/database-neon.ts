import { Client, Pool, type ClientConfig } from "@neondatabase/serverless";
import { WebSocket } from "ws";
import type { PgPool, PoolSettings } from "./database-pg.ts";

/**
 * A pool of the Neon driver, which speaks Postgres over WebSockets. `wsProxy` (`ws://` or `wss://`, host and path) replaces
 * Neon's own proxy.
 */
export function neonPool(settings: PoolSettings, wsProxy: string | undefined): PgPool {
  // By default `ws` waits 30 s for the close frame of a frozen proxy. (Its types lack closeTimeout.)
  const limits = { handshakeTimeout: settings.connectionTimeoutMillis, closeTimeout: 1000 };
  class LimitedWebSocket extends WebSocket {
    constructor(url: string) {
      super(url, limits);
    }
  }
  // Per client, since the driver's global `neonConfig` applies to every database of the process.
  class ConfiguredClient extends Client {
    constructor(config?: string | ClientConfig) {
      super(config);
      // Node 20 has no built-in WebSocket.
      this.neonConfig.webSocketConstructor = LimitedWebSocket;
      if (wsProxy === undefined) return;
      const { protocol, host, pathname } = new URL(wsProxy);
      this.neonConfig.wsProxy = host + (pathname === "/" ? "" : pathname);
      this.neonConfig.useSecureWebSocket = protocol === "wss:";
      // Only Neon's own proxy accepts a password sent ahead of its request.
      this.neonConfig.pipelineConnect = false;
      this.neonConfig.pipelineTLS = false;
    }
  }
  const pool = new Pool(settings);
  pool.Client = ConfiguredClient;
  return pool;
}
