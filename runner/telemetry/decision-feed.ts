import { setTimeout as pause } from "node:timers/promises";
import type { Redis } from "ioredis";
import { tailResults } from "../../shared/io/streams/results-tail.ts";
import type { Keys } from "../../shared/keys.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import { decisionFields, decisionText, outcomeFields, outcomeText } from "./decision-text.ts";

/**
 * Prints the decisions and outcomes of all routers as they are made, until it is stopped. When there are more than a
 * person can read, it prints some of each second, so that its cost stays small.
 */
export async function feedDecisions(
  blocking: Redis,
  { keys, print, nameOf, stopping }: DecisionFeedOptions,
): Promise<void> {
  while (!stopping.aborted) {
    try {
      const tail = await tailResults(blocking, { keys, countMax: SHOWN_PER_SECOND_MAX, blockMs: BLOCK_MS });
      let [shown, since] = [0, performance.now()];
      while (!stopping.aborted) {
        const entries = await tail.next();
        if (performance.now() - since > 1_000) [shown, since] = [0, performance.now()];
        for (const entry of entries) {
          const parsed = logRowsOf(entry, "signal_results");
          if (!parsed.ok) continue;
          for (const { entryId, record } of parsed.rows.signals)
            print(decisionText(entryId, record), decisionFields(entryId, record));
          for (const { entryId, record } of parsed.rows.outcomes) {
            const name = await nameOf(record.strategy_id);
            print(outcomeText(entryId, record, name), outcomeFields(entryId, record, name));
          }
        }
        shown += entries.length;
        if (shown < SHOWN_PER_SECOND_MAX) continue;
        print("… too many to print all; every decision is in signal_log", {});
        await pause(1_000, undefined, { signal: stopping });
        await tail.skipToEnd();
        shown = 0;
      }
    } catch {
      // Redis is unavailable, which the loops report, or the feed was stopped.
      if (!stopping.aborted) await pause(2_000, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}

const SHOWN_PER_SECOND_MAX = 20;
const BLOCK_MS = 2_000;

export interface DecisionFeedOptions {
  readonly keys: Keys;
  /** The text, and the same as fields for a log of JSON lines. */
  readonly print: (text: string, fields: object) => void;
  /** The name of a strategy, if it is known. */
  readonly nameOf: (strategyId: number) => Promise<string | undefined>;
  readonly stopping: AbortSignal;
}
