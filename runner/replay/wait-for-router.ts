import pRetry from "p-retry";
import { compareEntryIds } from "../../shared/entry-range.ts";
import type { Fields } from "../../shared/entry.ts";
import { groupProgressOn } from "../../shared/io/streams/group-progress.ts";
import { lastEntryId } from "../../shared/io/streams/read-entries.ts";
import { signalStreamOn } from "../../shared/io/streams/signal-stream.ts";
import { batchesOf } from "./load-signals.ts";
import { BATCH_COUNT, ReplayRefused, type ReplayDeps } from "./request.ts";

/**
 * Waits until the router can no longer decide any of these entries.
 * @throws ReplayRefused after `waitMsMax`, and at once when the group is lost while one of them is in the stream
 */
export async function waitForDecisions(
  ids: readonly string[],
  deps: WaitDeps,
  options: WaitOptions,
): Promise<void> {
  await waitWhile(async () => entryInFlight(ids, deps), options);
}

/**
 * Waits until the log has every decision and outcome that is in `signal_results` now. Records by uid may wait for an hour, and
 * contain no decision.
 * @throws ReplayRefused after `waitMsMax`
 */
export async function waitForLog({ redis, keys }: WaitDeps, options: WaitOptions): Promise<void> {
  const key = keys.stream("signal_results");
  const last = await lastEntryId(redis, key);
  if (last === undefined) return;
  const group = groupProgressOn(redis, key, keys.group("log_writer"));
  await waitWhile(
    async () => ((await group.hasDone(last, { mayWait })) ? undefined : logBehindRefusal(last)),
    options,
  );
}

const mayWait = (fields: Fields): boolean => fields["log_uid"] !== undefined;

type WaitDeps = Pick<ReplayDeps, "redis" | "keys">;

export interface WaitOptions {
  readonly waitMsMax: number;
  readonly abort: AbortSignal | undefined;
}

/** Polls until there is no obstacle. One that does not pass by itself is thrown at once. */
async function waitWhile(
  obstacle: () => Promise<ReplayRefused | undefined>,
  { waitMsMax, abort }: WaitOptions,
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

async function entryInFlight(
  ids: readonly string[],
  { redis, keys }: WaitDeps,
): Promise<ReplayRefused | undefined> {
  const [first, last] = [ids[0], ids.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const group = groupProgressOn(redis, keys.stream("signals_stream"), keys.group("signal_processor"));
  const delivered = await group.lastDelivered();
  if (delivered === undefined) return entryWithoutGroup(ids, { redis, keys });
  const next = ids.find((id) => compareEntryIds(id, delivered) > 0);
  if (next !== undefined)
    return undecidedRefusal(`entry ${next} has not been delivered to group signal_processor`);
  const selected = new Set(ids);
  for await (const id of group.pending({ from: first, to: last })) {
    if (selected.has(id)) return undecidedRefusal(`entry ${id} is pending in group signal_processor`);
  }
  return undefined;
}

/**
 * A group created later may deliver whatever is in the stream. A logged decision does not prevent a second dispatch then: only
 * a dispatched signal has claimed its uid, and the claim expires.
 */
async function entryWithoutGroup(
  ids: readonly string[],
  { redis, keys }: WaitDeps,
): Promise<ReplayRefused | undefined> {
  for (const batch of batchesOf(ids, BATCH_COUNT)) {
    const [entryId] = (await signalStreamOn(redis, keys).byId(batch)).keys();
    if (entryId !== undefined) return noGroupRefusal(entryId);
  }
  return undefined;
}

function undecidedRefusal(detail: string): ReplayRefused {
  return new ReplayRefused({
    kind: "conflict",
    code: "undecided_entries",
    detail: `${detail}, so it may still be decided`,
    hint: "ask again when it is decided; check that process-signals is running",
    passing: true,
  });
}

function noGroupRefusal(entryId: string): ReplayRefused {
  return new ReplayRefused({
    kind: "conflict",
    code: "no_group",
    detail: `signals_stream has no group signal_processor, so entry ${entryId} may still be decided`,
    hint: "start the router or call POST /tick; create a lost group again with: npm run cli -- groups create signal_processor --from <0, $ or an entry id>",
  });
}

function logBehindRefusal(upTo: string): ReplayRefused {
  return new ReplayRefused({
    kind: "conflict",
    code: "log_behind",
    detail: `group log_writer has not acknowledged all of signal_results up to ${upTo}, so the log may lack a decision`,
    hint: "ask again when persist-log has caught up; check that it is running and can reach Postgres",
    passing: true,
  });
}
