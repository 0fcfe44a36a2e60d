import { fieldsOf } from "../../../shared/entry.ts";
import { parseTask, type Task } from "../../../shared/task.ts";
import { strategyRow } from "../../builders.ts";
import { useRouters, type RouterFixture } from "../../servers/router-fixture.ts";
import { untilItRuns, type RouterProcess } from "../../servers/router-process.ts";

/** Routers that run strategies which leave a trace of each run, see executing-router.ts. */
export interface ExecutingFixture {
  readonly routers: RouterFixture;
  readonly start: (env?: Record<string, string>) => Promise<RouterProcess>;
  /** Rows of the executions, by strategy. */
  readonly outcomes: () => Promise<Record<string, unknown>[]>;
  readonly tasksInOrder: () => Promise<Task[]>;
  /** The runs of a strategy, in order, as `strategy entry attempt key`. */
  readonly runsOf: (id: number) => Promise<string[]>;
}

export const traced = (id: number, params: Record<string, unknown>): ReturnType<typeof strategyRow> =>
  strategyRow(id, { handler: "traced", params });

export function useExecutingRouters(): ExecutingFixture {
  const routers = useRouters();
  return {
    routers,
    async start(env = {}) {
      Object.assign(routers.env, {
        FUNCTIONS: "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim",
        STRATEGY_TIMEOUT_MS: "1000",
        ...env,
      });
      return untilItRuns(routers.spawn("test/runner/bindings/executing-router.ts"));
    },
    outcomes: async () =>
      routers.sql(
        "SELECT strategy_id, status, reason, detail, attempt FROM signal_log_entries WHERE stage = 'execution' ORDER BY strategy_id",
      ),
    async tasksInOrder() {
      const entries = await routers.redis.xrange(routers.keys.stream("strategy_input_stream"), "-", "+");
      return entries.map(([id, fields]) => {
        const parsed = parseTask({ id, fields: fieldsOf(fields) });
        if (!parsed.ok) throw new Error(parsed.error);
        return parsed.task;
      });
    },
    async runsOf(id) {
      const runs = await routers.redis.lrange(`${routers.keys.prefix}runs`, 0, -1);
      return runs.filter((run) => run.startsWith(`${id} `));
    },
  };
}
