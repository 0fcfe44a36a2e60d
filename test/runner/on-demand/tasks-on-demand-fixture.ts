import * as z from "zod";
import type { Services } from "../../../runner/setup/services.ts";
import type { Entry, Fields } from "../../../shared/entry.ts";
import { outcomeRecordSchema } from "../../../shared/records.ts";
import { defineStrategy } from "../../../shared/strategy.ts";
import { rowsWithStrategies, strategyRow, taskFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp, type HttpFixture } from "../http/http-fixture.ts";

/** Services that run one strategy's tasks when they are asked to. */
export interface TasksFixture {
  readonly fixture: HttpFixture;
  /** Services whose strategy does this, and the signals it was run for. */
  readonly servicesWith: (act: (entryId: string) => Promise<void>) => { services: Services; runs: string[] };
  /** Takes long enough for whoever is not held back to come in between. */
  readonly slowly: () => Promise<void>;
  readonly outcomes: () => Promise<readonly Fields[]>;
  /** The reasons of the outcomes. */
  readonly reasons: () => Promise<readonly (string | null)[]>;
}

export function useTasksOnDemand(): TasksFixture {
  const fixture = useHttpApp({ rows: rowsWithStrategies([strategyRow(10, { handler: "test" })]) });
  async function outcomes(): Promise<readonly Fields[]> {
    const { redis, keys } = fixture.services;
    return (await fieldsIn(redis, keys.stream("signal_results"))).filter(({ kind }) => kind === "outcome");
  }
  return {
    fixture,
    servicesWith(act) {
      const runs: string[] = [];
      const handler = defineStrategy({
        name: "test",
        params: z.object({}),
        async run({ signal }) {
          runs.push(signal.entryId);
          await act(signal.entryId);
          return { status: "executed" };
        },
      });
      return { services: { ...fixture.services, handlers: [handler] }, runs };
    },
    async slowly() {
      for (let i = 0; i < 50; i += 1) await fixture.services.redis.ping();
    },
    outcomes,
    reasons: async () =>
      (await outcomes()).map(({ data }) => outcomeRecordSchema.parse(JSON.parse(data ?? "")).reason),
  };
}

/** A task that arrived just now; those of one strategy and symbol are run one after the other. */
export function task(sequence: number): Entry {
  const changes = { entry_id: `17-${sequence}`, sent_at: new Date().toISOString() };
  return { id: `1-${sequence}`, fields: taskFields(Date.now(), changes) };
}
