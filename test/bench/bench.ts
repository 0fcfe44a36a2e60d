import { messageOf } from "../../shared/error-message.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { createDatabase } from "../servers/database.ts";
import { startNeonBridge } from "../servers/neon-bridge.ts";
import { startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { startRedis } from "../servers/redis.ts";
import type { Bench } from "./measure.ts";

/** Opens what measures work with: the servers of this run. PostgreSQL starts when a measure first needs it. */
export function openBench({ scale, say }: BenchOptions): Bench & { close(): Promise<void> } {
  const stops: (() => Promise<void>)[] = [];
  let closing = false;
  let postgres: Promise<PostgresServer> | undefined;

  /** Starts a server that is stopped with the bench, also when the bench is closed while it starts. */
  async function started<Server extends { stop(): Promise<void> }>(
    start: () => Promise<Server>,
  ): Promise<Server> {
    if (closing) throw new Error("the bench is closed: it starts no more servers");
    const starting = start();
    // A failed start has nothing to stop; the caller gets its error.
    const running = starting.catch(() => undefined);
    stops.push(async () => (await running)?.stop());
    return starting;
  }

  async function postgresServer(): Promise<PostgresServer> {
    postgres ??= started(async () => startPostgres({ fsync: "on", onDisk: true }));
    return postgres;
  }

  return {
    startRedis: async ({ aof = "everysec" } = {}) =>
      started(async () => startRedis({ aof, aofRewrites: false, onDisk: true })),
    async freshDatabase() {
      const database = await createDatabase((await postgresServer()).url);
      const db = await openDatabase({ url: database.url, dataDir: "", onError: () => undefined });
      await db.migrate();
      await db.close();
      return database;
    },
    async startNeonBridge() {
      const { port } = await postgresServer();
      return started(async () => startNeonBridge(port));
    },
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    say,
    /** Stops every server. @throws Error naming those that did not stop, after trying each */
    async close() {
      closing = true;
      const stopped = await Promise.allSettled(stops.map(async (stop) => stop()));
      const failures = stopped.flatMap((each) =>
        each.status === "rejected" ? [messageOf(each.reason)] : [],
      );
      if (failures.length > 0) throw new Error(`some servers could not be stopped: ${failures.join("; ")}`);
    },
  };
}

export interface BenchOptions {
  /** Part of the full size, 1 for a full run. */
  readonly scale: number;
  /** Prints a line of progress. */
  readonly say: (text: string) => void;
}
