import { Client } from "pg";
import type { Bench } from "./measure.ts";
import { onStage } from "./stage.ts";
import { timeGroup } from "./time-group.ts";
import { addSignals, tasksOf, WORKLOAD } from "./workload.ts";

/** Lets one router decide a backlog, run its tasks and log everything. @throws Error unless every row is there */
export async function wholePath(bench: Bench, count: number): Promise<WholePath> {
  return onStage(bench, async ({ redis, keys, databaseUrl, startRouter }) => {
    const tasks = tasksOf(count, WORKLOAD);
    await addSignals(redis, keys, { count, shape: WORKLOAD });
    const { seconds } = await timeGroup({
      first: { redis, key: keys.stream("signals_stream"), group: "signal_processor" },
      last: { redis, key: keys.stream("signal_results"), group: "log_writer" },
      // One record per signal and one per task.
      count: count + tasks,
      routers: [startRouter({ FUNCTIONS: "process-signals,execute-strategies,persist-log,reclaim" })],
    });
    const rows = await countRows(databaseUrl);
    const expected: Rows = {
      signals: count,
      routed: count * WORKLOAD.strategiesPerSignal,
      executed: tasks,
      others: 0,
    };
    if (JSON.stringify(rows) !== JSON.stringify(expected)) {
      throw new Error(`the log has ${JSON.stringify(rows)}, not ${JSON.stringify(expected)}`);
    }
    return { signals: count, seconds };
  });
}

export interface WholePath {
  readonly signals: number;
  /** First signal read to last record acknowledged; a record is acknowledged once its rows are in PostgreSQL. */
  readonly seconds: number;
}

interface Rows {
  readonly signals: number;
  readonly routed: number;
  readonly executed: number;
  readonly others: number;
}

async function countRows(url: string): Promise<Rows> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<keyof Rows, number>>(
      `SELECT (SELECT count(*) FROM signal_log)::int AS signals,
              count(*) FILTER (WHERE stage = 'routing')::int AS routed,
              count(*) FILTER (WHERE stage = 'execution' AND status = 'executed')::int AS executed,
              count(*) FILTER (WHERE stage = 'execution' AND status <> 'executed')::int AS others
       FROM signal_log_entries`,
    );
    const { signals = 0, routed = 0, executed = 0, others = 0 } = rows[0] ?? {};
    return { signals, routed, executed, others };
  } finally {
    await client.end();
  }
}
