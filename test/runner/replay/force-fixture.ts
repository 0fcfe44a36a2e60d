import { signalFields } from "../../builders.ts";
import { fieldsIn } from "../../servers/redis-contents.ts";
import { useHttpApp, type HttpFixture } from "../http/http-fixture.ts";
import { ALL } from "./replay-fixture.ts";
import { logAll } from "./route-in-process.ts";

export const FORCE = { mode: "force", by: "ann", reason: "the broker lost them" } as const;
export const WHOLE = {
  ...FORCE,
  selection: ALL,
  snapshot: "current",
  dryRun: false,
  strategies: null,
  invocation: null,
} as const;

/** An app whose signals are replayed with force. */
export interface ForceFixture {
  readonly http: HttpFixture;
  /** Fields of all tasks. */
  readonly tasks: () => Promise<readonly Readonly<Record<string, string>>[]>;
  /** Adds a signal for each uid and gives their entry ids. */
  readonly add: (...uids: readonly string[]) => Promise<string[]>;
  /** Rows of the runs, once the records that are in Redis are in the log; waits for nothing. */
  readonly recordedRuns: () => Promise<Record<string, unknown>[]>;
}

export function useForcedReplays(): ForceFixture {
  const http = useHttpApp();
  return {
    http,
    tasks: async () => fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream")),
    async add(...uids) {
      const ids: string[] = [];
      for (const uid of uids) ids.push(await http.publish(signalFields({ uid })));
      return ids;
    },
    async recordedRuns() {
      await logAll(http.services);
      return http.sql("SELECT * FROM invocations ORDER BY started_at");
    },
  };
}

export const uidsOfBatches = (count: number): string[] => Array.from({ length: count }, (_, n) => `uid ${n}`);
