import { openDatabase } from "../../shared/io/open-database.ts";
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
  let postgres: Promise<PostgresServer> | undefined;

  async function postgresServer(): Promise<PostgresServer> {
    postgres ??= startPostgres({ fsync: "on" }).then((server) => {
      ends.push(async () => server.stop());
      return server;
    });
    return postgres;
  }

  return {
    async startRedis({ aof = "everysec" } = {}) {
      const server = await startRedis({ aof, aofRewrites: false });
      ends.push(async () => server.stop());
      return server;
    },
    async freshDatabase() {
      const database = await createDatabase((await postgresServer()).url);
      const db = await openDatabase({ url: database.url, dataDir: "", onError: () => undefined });
      await db.migrate();
      await db.close();
      return database;
    },
    async startNeonBridge() {
      const bridge = await startNeonBridge((await postgresServer()).port);
      ends.push(async () => bridge.stop());
      return bridge;
    },
    scaled: (count) => Math.max(1, Math.round(count * scale)),
    say,
    async close() {
      for (const end of ends.toReversed()) await end();
    },
  };
}
