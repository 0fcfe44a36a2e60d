import { Pool } from "pg";
import { databaseOverPool } from "./database-pg.ts";
import type { Database } from "./database.ts";

/** Opens the database that a URL names. */

export interface DatabaseOptions {
  /** postgres:// URL of a server; undefined: the embedded database. */
  readonly url: string | undefined;
  /** WebSocket proxy through which the Neon driver reaches `url`: `ws://…`, `wss://…`, or host and port for `ws`. */
  readonly neonWsProxy?: string | undefined;
  /** Schema of the router's tables; undefined: where the connection finds them. */
  readonly schema?: string | undefined;
  /** Folder for the files of the embedded database. */
  readonly dataDir: string;
  /** Most connections. */
  readonly poolMax?: number;
  /** Longest wait for a connection, milliseconds. */
  readonly connectMsMax?: number;
  /** Longest wait for an answer, milliseconds; after that the server counts as unavailable. */
  readonly queryMsMax?: number;
  /** Called for failures outside a call: a lost idle connection, a lost lock on the embedded database. */
  readonly onError: (error: Error) => void;
}

/**
 * The Neon driver for Neon's hosts or with a proxy, `pg` for any other URL, PGlite without one. A server is connected to when
 * first used, so it may be unavailable now; PGlite is opened at once.
 * @throws Error when the URL is malformed, or another process uses the embedded database
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, schema, dataDir, poolMax = 10, connectMsMax = 5000, queryMsMax = 30_000, onError } = options;
  if (url === undefined) {
    // PGlite and the Neon driver are loaded only when needed: PGlite alone takes longer than the rest of the router.
    const { openPglite } = await import("./database-pglite.ts");
    return openPglite({ dataDir, schema, onError });
  }
  const { hostname } = parseUrl(url);
  const shared = { url, schema, poolMax, connectMsMax, queryMsMax, onError };
  if (options.neonWsProxy === undefined && !isNeonHost(hostname)) {
    return databaseOverPool({ ...shared, kind: "pg", createPool: (settings) => new Pool(settings) });
  }
  const { neonPool } = await import("./database-neon.ts");
  const wsProxy = withScheme(options.neonWsProxy);
  return databaseOverPool({
    ...shared,
    kind: "neon",
    createPool: (settings) => neonPool(settings, wsProxy),
  });
}

function isNeonHost(hostname: string): boolean {
  return hostname === "neon.tech" || hostname.endsWith(".neon.tech");
}

function withScheme(proxy: string | undefined): string | undefined {
  return proxy === undefined || /^wss?:/.test(proxy) ? proxy : `ws://${proxy}`;
}

function parseUrl(url: string): URL {
  // Not the parser's own error, which contains the URL with its password.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    throw new Error("DATABASE_URL is not of the form postgres://user:password@host:port/database");
  }
  return parsed;
}
