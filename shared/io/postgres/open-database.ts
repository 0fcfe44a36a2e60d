import { Pool } from "pg";
import { databaseOverPool } from "./database-pg.ts";
import type { Database } from "./database.ts";

export interface DatabaseOptions {
  /** postgres:// URL of a server; undefined: the embedded database. */
  readonly url: string | undefined;
  /** WebSocket proxy to reach `url` through with the Neon driver: `ws://` or `wss://`, or host and port for `ws`. */
  readonly neonWsProxy?: string | undefined;
  /** Folder for the files of the embedded database. */
  readonly dataDir: string;
  /** Connections at most. */
  readonly poolMax?: number;
  /** Longest wait for a connection, milliseconds. */
  readonly connectMsMax?: number;
  /** Longest wait for an answer, milliseconds; then the server counts as unavailable. */
  readonly queryMsMax?: number;
  /** Told about what fails while no caller waits: a lost idle connection, a lost lock on the embedded database. */
  readonly onError: (error: Error) => void;
}

/**
 * The database for a URL: the Neon driver for Neon's hosts or when a proxy is named, `pg` for any other, PGlite
 * without. Servers are connected to when first used, so they may be down now; PGlite is opened at once.
 * @throws Error when the URL is none, or the embedded database is in use by another process
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { url, dataDir, poolMax = 10, connectMsMax = 5000, queryMsMax = 30_000, onError } = options;
  if (url === undefined) {
    // Loaded when needed only, as is the Neon driver: PGlite alone takes longer than the rest of the router.
    const { openPglite } = await import("./database-pglite.ts");
    return openPglite({ dataDir, onError });
  }
  const { hostname } = parseUrl(url);
  const shared = { url, poolMax, connectMsMax, queryMsMax, onError };
  if (options.neonWsProxy === undefined && !isNeonHost(hostname)) {
    return databaseOverPool({ ...shared, kind: "pg", createPool: (settings) => new Pool(settings) });
  }
  const { neonPool } = await import("./database-neon.ts");
  const wsProxy = withScheme(options.neonWsProxy);
  return databaseOverPool({
    ...shared,
    kind: "neon",
    migrateUrl: directNeonUrl(url),
    createPool: (settings) => neonPool(settings, wsProxy),
  });
}

function isNeonHost(hostname: string): boolean {
  return hostname === "neon.tech" || hostname.endsWith(".neon.tech");
}

/** Migrations hold a lock of the session, which Neon's pooled hosts (`<endpoint>-pooler.…`) do not keep. */
function directNeonUrl(url: string): string {
  const direct = new URL(url);
  direct.hostname = direct.hostname.replace(/^([^.]+)-pooler\./, "$1.");
  return direct.href;
}

function withScheme(proxy: string | undefined): string | undefined {
  return proxy === undefined || /^wss?:/.test(proxy) ? proxy : `ws://${proxy}`;
}

function parseUrl(url: string): URL {
  // Not the parser's own error, which carries the URL and with it the password.
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(?:ql)?:$/.test(parsed.protocol)) {
    throw new Error("DATABASE_URL is not of the form postgres://user:password@host:port/database");
  }
  return parsed;
}
