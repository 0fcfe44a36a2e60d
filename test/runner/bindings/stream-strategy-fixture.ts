import { fieldsOf, type Fields } from "../../../shared/entry.ts";
import { signalFields, strategyRow } from "../../builders.ts";
import { useRouters, type RouterFixture } from "../../servers/router-fixture.ts";
import type { RouterProcess } from "../../servers/router-process.ts";

/** Routers that run strategies with the handler `stream`. */
export interface StreamStrategyFixture {
  readonly routers: RouterFixture;
  readonly start: () => Promise<RouterProcess>;
  /** The key of a strategy's stream. */
  readonly keyOf: (name: string) => string;
  readonly entriesOf: (name: string) => Promise<readonly Fields[]>;
  /** Rows of the executions. */
  readonly outcomes: () => Promise<Record<string, unknown>[]>;
  /** Publishes the signals with these numbers. */
  readonly publish: (from: number, to: number) => Promise<void>;
}

export const streams = (id: number, params: Record<string, unknown> = {}): ReturnType<typeof strategyRow> =>
  strategyRow(id, { handler: "stream", params });

export function useStreamStrategies(): StreamStrategyFixture {
  const routers = useRouters();
  const keyOf = (name: string): string => routers.keys.stream(`strategies:${name}`);
  return {
    routers,
    async start() {
      routers.env["FUNCTIONS"] =
        "process-signals,execute-strategies,persist-log,refresh-reference,reclaim,trim";
      return routers.start();
    },
    keyOf,
    entriesOf: async (name) =>
      (await routers.redis.xrange(keyOf(name), "-", "+")).map(([, flat]) => fieldsOf(flat)),
    outcomes: async () =>
      routers.sql(
        "SELECT entry_id, strategy_id, status, reason, detail FROM signal_log_entries WHERE stage = 'execution' ORDER BY strategy_id, entry_id",
      ),
    async publish(from, to) {
      const bar_time = new Date().toISOString();
      for (let i = from; i < to; i += 1)
        await routers.publish(signalFields({ bar_time, uid: `signal ${i}` }));
    },
  };
}
