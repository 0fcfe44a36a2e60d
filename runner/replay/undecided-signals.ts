import pRetry from "p-retry";
import { compareEntryIds } from "../../shared/entry-range.ts";
import { entryTime } from "../../shared/entry.ts";
import { signalHistoryOn } from "../../shared/io/log/signal-history.ts";
import { deadLettersOn } from "../../shared/io/streams/dead-letters.ts";
import { groupProgressOn } from "../../shared/io/streams/group-progress.ts";
import { lastEntryId } from "../../shared/io/streams/read-entries.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import { BATCH_COUNT, ReplayRefused, type ReplayDeps } from "./request.ts";
import { batchesOf } from "./select-signals.ts";

/** Entries without a decision in the log. */
export interface UndecidedSignals {
  /** All of them, in stream order. */
  readonly open: readonly string[];
  /** Those of them that were given up on, or whose record was: id of the dead letter by entry id. */
  readonly deadLetters: ReadonlyMap<string, string>;
}

type FindDeps = Pick<ReplayDeps, "redis" | "keys" | "database" | "config" | "clock">;

interface FindOptions {
  readonly waitMsMax: number;
  readonly abort: AbortSignal | undefined;
}

const IDS_PER_QUERY = 10_000;
const DAY_MS = 86_400_000;
const NO_GROUP = "no_group";

/**
 * Those of the entries that were never decided. The order of the looks makes the answer certain: once nothing of them is
 * in anybody's hands, each is decided, a dead letter or missing for good; a dead letter retried after that look is still in
 * it, one retried before has its record in `signal_results`; and what was in there then has to be in the log before the
 * log is asked. @throws ReplayRefused when it cannot be known
 */
export async function undecidedSignals(
  ids: readonly string[],
  deps: FindDeps,
  { waitMsMax, abort }: FindOptions,
): Promise<UndecidedSignals> {
  const { redis, keys } = deps;
  const candidates = await withoutRow(ids, deps);
  if (candidates.length === 0) return { open: [], deadLetters: new Map() };
  refusePruned(candidates, deps);
  await until(async () => stillInFlight(candidates, deps), { waitMsMax, abort });
  const deadLetters = await deadLettersOf(new Set(candidates), deps);
  const last = await lastEntryId(redis, keys.stream("signal_results"));
  if (last !== undefined) await until(async () => notLogged(last, deps), { waitMsMax, abort });
  const open = await withoutRow(candidates, deps);
  return { open, deadLetters };
}

/**
 * Waits until none of the entries is still to be decided by a router.
 * @throws ReplayRefused when that takes too long, or waits for somebody to make the group
 */
export async function untilNotInFlight(
  ids: readonly string[],
  deps: Pick<FindDeps, "redis" | "keys">,
  options: FindOptions,
): Promise<void> {
  await until(async () => {
    const refused = await stillInFlight(ids, deps);
    return refused?.refusal.code === NO_GROUP ? inStream(ids, deps) : refused;
  }, options);
}

/**
 * Whatever is in the stream may be delivered by a group yet to be made, at its start or wherever a person says. A decision
 * in the log does not keep it from being dispatched then: only a dispatched one has claimed its uid, and that for a while.
 */
async function inStream(
  ids: readonly string[],
  { redis, keys }: Pick<FindDeps, "redis" | "keys">,
): Promise<ReplayRefused | undefined> {
  const stream = signalStreamOn(redis, keys);
  for (const batch of batchesOf(ids, BATCH_COUNT)) {
    const [there] = (await stream.byId(batch)).keys();
    if (there !== undefined) return noGroup(`so entry ${there} may still be decided`);
  }
  return undefined;
}

async function withoutRow(ids: readonly string[], { database, keys }: FindDeps): Promise<string[]> {
  const history = signalHistoryOn(database, keys.prefix);
  const without: string[] = [];
  for (const batch of batchesOf(ids, IDS_PER_QUERY)) {
    const decided = await history.decidedAmong(batch);
    without.push(...batch.filter((id) => !decided.has(id)));
  }
  return without;
}

/** A row that was removed looks like one that never was. */
function refusePruned([oldest]: readonly string[], { config, clock }: FindDeps): void {
  const { logRetentionDays } = config;
  const keptSince = clock.now() - logRetentionDays * DAY_MS;
  if (logRetentionDays === 0 || oldest === undefined || entryTime(oldest) >= keptSince) return;
  throw new ReplayRefused({
    kind: "conflict",
    code: "log_pruned",
    detail: `entry ${oldest} has no row in signal_log, but is older than LOG_RETENTION_DAYS (${logRetentionDays}): its row may have been removed`,
    hint: `choose signals from ${new Date(keptSince).toISOString()} on`,
  });
}

async function stillInFlight(
  ids: readonly string[],
  { redis, keys }: Pick<FindDeps, "redis" | "keys">,
): Promise<ReplayRefused | undefined> {
  const [first, last] = [ids[0], ids.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const group = groupProgressOn(redis, keys.stream("signals_stream"), "signal_processor");
  const delivered = await group.lastDelivered();
  if (delivered === undefined) return noGroup("so nobody knows what was delivered");
  const next = ids.find((id) => compareEntryIds(id, delivered) > 0);
  if (next !== undefined) return undecided(`entry ${next} has not been delivered to group signal_processor`);
  const chosen = new Set(ids);
  for await (const id of group.pending({ from: first, to: last })) {
    if (chosen.has(id)) return undecided(`entry ${id} is pending in group signal_processor`);
  }
  return undefined;
}

async function notLogged(upTo: string, { redis, keys }: FindDeps): Promise<ReplayRefused | undefined> {
  const group = groupProgressOn(redis, keys.stream("signal_results"), "log_writer");
  if (await group.hasDone(upTo)) return undefined;
  return new ReplayRefused({
    kind: "conflict",
    code: "log_behind",
    detail: `group log_writer has not acknowledged all of signal_results up to ${upTo}, so the log does not tell yet what was decided`,
    hint: "ask again when persist-log has caught up; is it running, and can it reach Postgres?",
    passing: true,
  });
}

/** An entry given up on by process-signals, or the record of its decision by persist-log. */
async function deadLettersOf(
  ids: ReadonlySet<string>,
  { redis, keys }: FindDeps,
): Promise<Map<string, string>> {
  const letters = new Map<string, string>();
  for await (const stored of deadLettersOn(redis, keys).chosen("all")) {
    if (typeof stored === "string" || !stored.ok) continue;
    const { stream, entry } = stored.letter;
    const ofSignal = stream === "signal_results" && entry.fields["kind"] === "signal";
    const entryId = stream === "signals_stream" ? entry.id : ofSignal ? entry.fields["entry_id"] : undefined;
    if (entryId !== undefined && ids.has(entryId)) letters.set(entryId, stored.id);
  }
  return letters;
}

/** Waits until nothing stands in the way any more, for what a healthy system gets out of the way in a moment. */
async function until(
  obstacle: () => Promise<ReplayRefused | undefined>,
  { waitMsMax, abort }: FindOptions,
): Promise<void> {
  await pRetry(
    async () => {
      const refused = await obstacle();
      if (refused !== undefined) throw refused;
    },
    {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 10,
      maxTimeout: 250,
      maxRetryTime: waitMsMax,
      shouldRetry: ({ error }) => error instanceof ReplayRefused && error.refusal.passing === true,
      ...(abort === undefined ? {} : { signal: abort }),
    },
  );
}

function undecided(detail: string): ReplayRefused {
  return new ReplayRefused({
    kind: "conflict",
    code: "undecided_entries",
    detail: `${detail}, so it may still be decided`,
    hint: "ask again when it is; is process-signals running?",
    passing: true,
  });
}

function noGroup(consequence: string): ReplayRefused {
  return new ReplayRefused({
    kind: "conflict",
    code: NO_GROUP,
    detail: `signals_stream has no group signal_processor, ${consequence}`,
    hint: "start the router or call POST /tick, or make a lost group again: npm run cli -- groups create signal_processor --from <place>",
  });
}
