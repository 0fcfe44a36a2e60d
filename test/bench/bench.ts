import { messageOf } from "../../shared/error-message.ts";
import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { createDatabase } from "../servers/database.ts";
import { startNeonBridge } from "../servers/neon-bridge.ts";
import { startPostgres, type PostgresServer } from "../servers/postgres.ts";
import { startRedis } from "../servers/redis.ts";
import type { Bench } from "./measure.ts";

export interface BenchOptions {
  /** Everything is counted in this part of its full size. */
  readonly scale: number;
  readonly say: (text: string) => void;
}

/** A bench and its end. PostgreSQL is started when the first measure asks for it. */
export function openBench({ scale, say }: BenchOptions): Bench & { close(): Promise<void> } {
  const ends: (() => Promise<void>)[] = [];
  let closing = false;
  let postgres: Promise<PostgresServer> | undefined;

  /** Starts a server that is ended with the bench, also when the bench is closed while it starts. */
  async function started<Server extends { stop(): Promise<void> }>(
    start: () => Promise<Server>,
  ): Promise<Server> {
    if (closing) throw new Error("the bench has come to its end");
    const starting = start();
    // One that did not start leaves nothing behind, and whoever asked for it has been told.
    const running = starting.catch(() => undefined);
    ends.push(async () => (await running)?.stop());
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
    /** Ends whatever was started. @throws Error when not all of it could be ended, having tried each */
    async close() {
      closing = true;
      const ended = await Promise.allSettled(ends.map(async (end) => end()));
      const failures = ended.flatMap((end) => (end.status === "rejected" ? [messageOf(end.reason)] : []));
      if (failures.length > 0) throw new Error(`not everything was ended: ${failures.join("; ")}`);
    },
  };
}
