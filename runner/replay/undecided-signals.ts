import { entryTime } from "../../shared/entry.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import { idsInLog } from "./load-signals.ts";
import { ReplayRefused, type ReplayDeps } from "./request.ts";
import { waitForDecisions, waitForLog, type WaitOptions } from "./wait-for-router.ts";

/**
 * Finds the entries without a decision. The order of the steps rules out a decision that is still to come.
 * @throws ReplayRefused when this cannot be known
 */
export async function undecidedSignals(
  ids: readonly string[],
  deps: UndecidedDeps,
  options: WaitOptions,
): Promise<UndecidedSignals> {
  const candidates = await withoutRow(ids, deps);
  if (candidates.length === 0) return { undecided: [], deadLetters: new Map() };
  refusePruned(candidates, deps);
  // From here on each candidate is decided, a dead letter, or missing for good.
  await waitForDecisions(candidates, deps, options);
  // A dead letter retried before this step has its record in `signal_results`; one retried later is still found here.
  const deadLetters = await deadLettersOf(new Set(candidates), deps);
  await waitForLog(deps, options);
  return { undecided: await withoutRow(candidates, deps), deadLetters };
}

/** Entries without a decision in the log. */
export interface UndecidedSignals {
  /** All of them, in stream order. */
  readonly undecided: readonly string[];
  /** Dead letter by entry id, for each entry that is one itself or whose record is one. */
  readonly deadLetters: ReadonlyMap<string, string>;
}

type UndecidedDeps = Pick<ReplayDeps, "redis" | "keys" | "database" | "config" | "clock">;

const DAY_MS = 86_400_000;

async function withoutRow(ids: readonly string[], deps: UndecidedDeps): Promise<string[]> {
  const logged = await idsInLog(ids, deps);
  return ids.filter((id) => !logged.has(id));
}

/** A row that was removed by age looks like one that was never written. */
function refusePruned([oldest]: readonly string[], { config, clock }: UndecidedDeps): void {
  const { logRetentionDays } = config;
  const keptSince = clock.now() - logRetentionDays * DAY_MS;
  if (logRetentionDays === 0 || oldest === undefined || entryTime(oldest) >= keptSince) return;
  throw new ReplayRefused({
    kind: "conflict",
    code: "log_pruned",
    detail: `entry ${oldest} has no row in signal_log, but is older than LOG_RETENTION_DAYS (${logRetentionDays}): its row may have been removed`,
    hint: `select signals from ${new Date(keptSince).toISOString()} on`,
  });
}

async function deadLettersOf(
  entryIds: ReadonlySet<string>,
  { redis, keys }: UndecidedDeps,
): Promise<Map<string, string>> {
  const letters = new Map<string, string>();
  for await (const stored of deadLettersOn(redis, keys).chosen("all")) {
    if (typeof stored === "string" || !stored.ok) continue;
    const { stream, entry } = stored.letter;
    const isRecord = stream === "signal_results" && entry.fields["kind"] === "signal";
    const entryId = stream === "signals_stream" ? entry.id : isRecord ? entry.fields["entry_id"] : undefined;
    if (entryId !== undefined && entryIds.has(entryId)) letters.set(entryId, stored.id);
  }
  return letters;
}
