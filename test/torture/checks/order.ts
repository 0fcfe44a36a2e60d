import { compareEntryIds } from "../../../shared/entry-range.ts";
import type { Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";

/**
 * Nothing is overtaken: signals of one symbol are dispatched in stream order, and their tasks begun for the first time in that order
 * too, per strategy. What is run again later – since its runner died, was cut off or lost its entry – has been begun before. A
 * duplicate has no task: it is recorded in a second call, behind what was decided with it.
 */
export function orderViolations({ tasks, begun }: Facts): Violation[] {
  const dispatched = tasks.map(
    ({ fields: { symbol = "", strategy_id: id = "", entry_id: entryId = "" } }) => ({
      lane: `strategy ${id}, symbol ${symbol}`,
      entryId,
    }),
  );
  const first = new Map(begun.toReversed().map((run) => [`${run.strategyId} ${run.entryId}`, run]));
  const firstRuns = begun.filter((run) => first.get(`${run.strategyId} ${run.entryId}`) === run);
  const runs = firstRuns.map(({ strategyId, symbol, entryId }) => ({
    lane: `strategy ${strategyId}, symbol ${symbol}`,
    entryId,
  }));
  return [...overtakings(dispatched, "dispatched"), ...overtakings(runs, "begun")];
}

/** An attempt at a task has run once: one that a runner took from another is another attempt. */
export function repeatViolations({ begun }: Facts): Violation[] {
  const seen = new Set<string>();
  const found: Violation[] = [];
  for (const { strategyId, entryId, attempt } of begun) {
    const name = `attempt ${attempt} of strategy ${strategyId}`;
    if (seen.has(`${name} ${entryId}`)) found.push({ entryId, text: `${name} has run twice` });
    seen.add(`${name} ${entryId}`);
  }
  return found;
}

interface Placed {
  readonly lane: string;
  readonly entryId: string;
}

function overtakings(placed: readonly Placed[], what: string): Violation[] {
  const latest = new Map<string, string>();
  const found: Violation[] = [];
  for (const { lane, entryId } of placed) {
    const before = latest.get(lane);
    if (before !== undefined && compareEntryIds(entryId, before) < 0)
      found.push({ entryId, text: `overtaken: ${lane}: ${what} after the later entry ${before}` });
    else latest.set(lane, entryId);
  }
  return found;
}
