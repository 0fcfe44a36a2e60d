import { openDatabase } from "../../shared/io/postgres/open-database.ts";
import { addRecords } from "./log-records.ts";
import type { Bench } from "./measure.ts";
import { onStage } from "./stage.ts";
import { timeGroup } from "./time-group.ts";
import { WORKLOAD } from "./workload.ts";

/** Lets a router write a backlog of records to Postgres. @throws Error when rows are missing afterwards */
export async function persistBacklog(
  bench: Bench,
  { count, driver }: LogBacklogOptions,
): Promise<LogBacklog> {
  const bridge = driver === "neon" ? await bench.startNeonBridge() : undefined;
  try {
    return await onStage(bench, async ({ redis, keys, databaseUrl, startRouter }) => {
      await addRecords(redis, keys, { count, shape: WORKLOAD });
      const env = bridge === undefined ? {} : { NEON_WS_PROXY: bridge.proxy };
      const { seconds } = await timeGroup({
        first: { redis, key: keys.stream("signal_results"), group: "log_writer" },
        count,
        routers: [startRouter({ FUNCTIONS: "persist-log", ...env })],
      });
      const rows = await countRows(databaseUrl, count);
      return { seconds, signals: count, rows };
    });
  } finally {
    await bridge?.stop();
  }
}

export interface LogBacklogOptions {
  /** Records of signals that are waiting when the router starts. */
  readonly count: number;
  readonly driver: "pg" | "neon";
}

export interface LogBacklog {
  /** First read to last acknowledgement. */
  readonly seconds: number;
  readonly signals: number;
  /** Of both tables. */
  readonly rows: number;
}

async function countRows(url: string, count: number): Promise<number> {
  const db = await openDatabase({ url, dataDir: "", onError: () => undefined });
  try {
    const counted = await db.query<{ signals: number; entries: number }>(
      "SELECT (SELECT count(*) FROM signal_log) AS signals, (SELECT count(*) FROM signal_log_entries) AS entries",
    );
    const { signals = 0, entries = 0 } = counted[0] ?? {};
    const expected = count * WORKLOAD.strategiesPerSignal;
    if (signals !== count || entries !== expected) {
      throw new Error(`${count} records became ${signals} signals with ${entries} entries, not ${expected}`);
    }
    return signals + entries;
  } finally {
    await db.close();
  }
}
