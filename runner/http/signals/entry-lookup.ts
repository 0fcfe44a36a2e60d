import { decidedUids } from "../../../shared/decide/exit-uid.ts";
import { compareEntryIds } from "../../../shared/entry-range.ts";
import { isEntryId } from "../../../shared/entry.ts";
import { signalLogReaderOn, type LogFindings } from "../../../shared/io/log/signal-log-reader.ts";
import { DatabaseError } from "../../../shared/io/postgres/database.ts";
import { deliveryStateOf } from "../../../shared/io/streams/delivery-state.ts";
import { deadLettersOf, recordsOf, type EntryRecords } from "../../../shared/io/streams/entry-traces.ts";
import { tasksOf, type Dispatch, type TaskState } from "../../../shared/io/streams/task-states.ts";
import { holdersOf } from "../../../shared/io/streams/uid-holders.ts";
import type { Services } from "../../setup/services.ts";
import { tasksInFlightOf } from "../tasks-in-flight.ts";
import type { EntryView } from "./entry-schemas.ts";
import { entryView, isKnown, isLive, type LoggedEntry } from "./entry-view.ts";

/**
 * Everything known about one entry; undefined when neither Redis nor the log knows it. While Postgres is unavailable it is
 * what Redis knows. @throws DatabaseError when Redis knows nothing and the log cannot be read
 */
export async function lookUpEntry(id: string, deps: LookupDeps): Promise<EntryView | undefined> {
  const log = await unlessUnavailable(readerOf(deps).of([id]));
  const [view] = await viewsOf([id], log.found, deps);
  if (view === undefined && log.found === undefined) throw log.error;
  return view;
}

type LookupDeps = Pick<Services, "redis" | "keys" | "database" | "clock" | "config">;

/** Entries of one uid in one answer. */
const ENTRIES_MAX = 20;

export interface FoundEntries {
  /** Oldest first. */
  readonly entries: readonly EntryView[];
  /** Whether there are more. */
  readonly truncated: boolean;
}

/**
 * The entries with this uid, also exits that brought it: those in the log, and those that hold the uid's claims in Redis.
 * @throws DatabaseError when Redis has no claim and the log cannot be read
 */
export async function lookUpUid(uid: string, deps: LookupDeps): Promise<FoundEntries> {
  const reader = readerOf(deps);
  const logged = await unlessUnavailable(reader.entryIdsOf(uid, ENTRIES_MAX + 1));
  const holders = await holdersOf(deps.redis, deps.keys, decidedUids(uid));
  const held = [...holders.values()].filter(isEntryId);
  if (logged.found === undefined && held.length === 0) throw logged.error;
  const ids = logged.found ?? [];
  const shown = [...new Set([...ids.slice(0, ENTRIES_MAX), ...held])].toSorted(compareEntryIds);
  const log = logged.found === undefined ? undefined : (await unlessUnavailable(reader.of(shown))).found;
  return { entries: await viewsOf(shown, log, deps), truncated: ids.length > ENTRIES_MAX };
}

function readerOf({ database, keys }: LookupDeps) {
  return signalLogReaderOn(database, keys.shard);
}

/** What was found or, while Postgres is unavailable, its error. */
type LogAnswer<T> = { readonly found: T } | { readonly found: undefined; readonly error: DatabaseError };

async function unlessUnavailable<T>(answer: Promise<T>): Promise<LogAnswer<T>> {
  try {
    return { found: await answer };
  } catch (error) {
    if (error instanceof DatabaseError && error.kind === "unavailable") return { found: undefined, error };
    throw error;
  }
}

/**
 * Reads against the direction in which an entry moves: the log, then the stream and its group, then what is between them. An
 * entry that moves meanwhile is found where it was, or twice, but never missed.
 */
async function viewsOf(
  ids: readonly string[],
  log: LogFindings | undefined,
  deps: LookupDeps,
): Promise<EntryView[]> {
  const { redis, keys } = deps;
  const states = await Promise.all(
    ids.map(async (id) => ({ id, stream: await deliveryStateOf(redis, keys, id) })),
  );
  // Before the dead letters and the records, which is where a task in flight gets to.
  const tasksInFlight = await tasksInFlightOf(ids, deps);
  const letters = await deadLettersOf(redis, keys, ids);
  const findings = await Promise.all(
    states.map(async ({ id, stream }) => {
      const logged = log && loggedOf(id, log);
      const mayBePublished = stream.delivery.status !== "waiting" && logged?.decisions.some(isLive) !== true;
      const loggedTasks = await tasksOf(redis, keys, dispatchesOf(id, logged, NO_RECORDS.found));
      const mayHaveEnded = loggedTasks.some((task) => !isEndLogged(task, logged));
      const records = mayBePublished || mayHaveEnded ? await recordsOf(redis, keys, id) : NO_RECORDS;
      const tasks = mayBePublished
        ? await tasksOf(redis, keys, dispatchesOf(id, logged, records.found))
        : loggedTasks;
      const moreDecisions = log?.moreDecisionsOf.has(id) === true;
      const truncated = moreDecisions || log?.moreOutcomes === true || !letters.complete || !records.complete;
      return {
        id,
        stream,
        logged,
        published: records.found,
        tasks,
        tasksInFlight: tasksInFlight.get(id) ?? [],
        deadLetters: letters.found
          .filter(({ signalEntryId }) => signalEntryId === id)
          .map(({ letter }) => letter),
        moreDecisions,
        truncated,
      };
    }),
  );
  return findings.filter(isKnown).map(entryView);
}

const NO_RECORDS = { found: { signals: [], attempts: [], outcomes: [] }, complete: true };

/** Whether the log has what a task came to. */
function isEndLogged({ invocation, strategyId }: TaskState, logged: LoggedEntry | undefined): boolean {
  return (logged?.outcomes ?? []).some(
    (outcome) =>
      outcome.stage === "execution" &&
      outcome.invocation === invocation &&
      outcome.strategy_id === strategyId,
  );
}

/** What the newest decisions on an entry have dispatched. */
function dispatchesOf(
  entryId: string,
  logged: LoggedEntry | undefined,
  { signals }: EntryRecords,
): readonly Dispatch[] {
  const routed = (logged?.outcomes ?? []).filter(
    ({ stage, status }) => stage === "routing" && status === "dispatched",
  );
  const inLog = (logged?.decisions ?? []).map(({ invocation, decided_at }) => ({
    invocation,
    decided_at,
    strategyIds: routed
      .filter((outcome) => outcome.invocation === invocation)
      .map(({ strategy_id }) => strategy_id),
  }));
  const unlogged = signals.map(({ invocation, record }) => ({
    invocation,
    decided_at: record.decided_at,
    strategyIds: record.outcomes
      .filter(({ status }) => status === "dispatched")
      .map(({ strategy_id }) => strategy_id),
  }));
  const known = new Set(inLog.map(({ invocation }) => invocation));
  return [...inLog, ...unlogged.filter(({ invocation }) => !known.has(invocation))]
    .filter(({ strategyIds }) => strategyIds.length > 0)
    .slice(0, DISPATCHES_MAX)
    .map(({ decided_at, ...dispatch }) => ({ entryId, ...dispatch, decidedAt: Date.parse(decided_at) }));
}

/** Decisions on one entry whose tasks are looked for. */
const DISPATCHES_MAX = 3;

function loggedOf(id: string, { decisions, outcomes, raw }: LogFindings): LoggedEntry {
  return {
    decisions: decisions.filter(({ entry_id }) => entry_id === id),
    outcomes: outcomes.filter(({ entry_id }) => entry_id === id),
    raw: raw.get(id),
  };
}
