import type { SystemEvent } from "../shared/events.ts";
import type {
  PublishState,
  ReferenceStore,
  StoredReference,
} from "../shared/io/reference/reference-store.ts";
import { isDataError } from "../shared/redis-refusal.ts";
import { buildReference, contentJson } from "../shared/reference/build-reference.ts";
import { READ_TABLES, type RawReferenceRows } from "../shared/reference/reference.ts";
import { rowFaultText, summaryOf, type RowFault, type RowFaults } from "../shared/reference/row-faults.ts";
import { ROW_RULES } from "../shared/reference/row-rules.ts";
import {
  concernsStrategies,
  newlySplit,
  splitTickers,
  splitTickerText,
  type SplitTicker,
} from "../shared/reference/split-tickers.ts";
import type { UnusableStrategy } from "../shared/unusable-strategy.ts";
import type { CheckedStrategy } from "./check-strategies.ts";

/**
 * Reads the reference from Postgres and publishes it as the current snapshot. It takes its ticket before it reads, so that of
 * two refreshes the one that read later wins. Throws what the source and the store throw; the current snapshot then stays.
 */
export async function refreshReference(context: RefreshContext): Promise<RefreshResult> {
  const { source, store, failures, now, checkStrategies } = context;
  const ticket = await countedData(store.takeTicket(), failures);
  const rows = await counted(source.load(), failures);
  const { content, version, warnings, faults } = buildReference(rows);
  const splits = splitTickers(content);
  let before: StoredReference | undefined;
  if (version !== (await store.currentVersion())) {
    if (splits.length > 0) before = await countedData(store.load(), failures);
    await counted(source.save(version, contentJson(content), new Date(now())), failures);
  }
  const state = await countedData(store.publish({ ticket, version, content, faults, now: now() }), failures);
  const unconfirmed = await context.lackingReplicas?.();
  await context.recordChanges?.();
  // Publishing has forgotten all failures; these two states say as much about Postgres.
  if (state === "refused" || state === "newer_format") await failures?.recovered();
  const counts = {
    tickers: content.tickers.size,
    strategies: content.strategies.size,
    phrases: content.phrases.size,
  };
  // Also of an unchanged reference: this process may be new, with other secrets than the last one.
  const unusable = checkStrategies?.(content.strategies.values()) ?? [];
  const faultEvents = rowFaultEvents(faults);
  const result = {
    state,
    version,
    counts,
    faults: summaryOf(faults),
    faultEvents,
    unusable,
    ...(unconfirmed === undefined ? {} : { unconfirmed }),
  };
  if (state !== "published") return { ...result, events: [] };
  const published: SystemEvent = {
    level: "INFO",
    source: SOURCE,
    message: `reference version ${version} is current: ${counts.tickers} tickers, ${counts.strategies} strategies, ${counts.phrases} phrases`,
    details: { version, ...counts },
  };
  const lacking = Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [what] : []));
  const empty: SystemEvent[] = lacking.length === 0 ? [] : [emptyEvent(lacking)];
  const split = newlySplit(splits, before?.content).map(splitEvent);
  return { ...result, events: [published, ...empty, ...split, ...warnings, ...faultEvents] };
}

export interface RefreshContext {
  readonly source: {
    /** All reference rows as of one moment. */
    load(): Promise<RawReferenceRows>;
    /** Stores a version for good; does nothing when it is stored already. */
    save(version: string, content: unknown, createdAt: Date): Promise<void>;
  };
  readonly store: ReferenceStore;
  /** Where refreshes are counted that fail because of Postgres, or of the data in Redis. It never rejects. */
  readonly failures?: {
    failed(error: unknown): Promise<void>;
    recovered(): Promise<void>;
  };
  /** Why too few replicas have what was published; asked right after it. Absent: none must have it. */
  readonly lackingReplicas?: () => Promise<string | undefined>;
  /** Records what was changed by SQL, for the history. It never rejects. */
  readonly recordChanges?: () => Promise<void>;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Finds the strategies that this process cannot run; undefined when it runs none. */
  readonly checkStrategies?: (strategies: Iterable<CheckedStrategy>) => readonly UnusableStrategy[];
}

export interface RefreshResult {
  readonly state: PublishState;
  readonly version: string;
  readonly counts: { readonly tickers: number; readonly strategies: number; readonly phrases: number };
  /** Why too few replicas have it, so that a fail-over could bring back the version before. */
  readonly unconfirmed?: string;
  /** What cannot be used in the rows. */
  readonly faults: RowFaults;
  /** The same for people, whether or not it is new. */
  readonly faultEvents: readonly SystemEvent[];
  /** What a person should know; empty unless a new version was published. */
  readonly events: readonly SystemEvent[];
  /** The strategies that this process cannot run. */
  readonly unusable: readonly UnusableStrategy[];
}

const SOURCE = "refresh-reference";
const FAULT_EVENTS_MAX = 5;

async function counted<T>(work: Promise<T>, failures: RefreshContext["failures"]): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await failures?.failed(error);
    throw error;
  }
}

/** Counts what is wrong with the data in Redis. While Redis is unavailable or refuses writes, health says that. */
async function countedData<T>(work: Promise<T>, failures: RefreshContext["failures"]): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isDataError(error)) await failures?.failed(error);
    throw error;
  }
}

/** An event for each of the first faults, and one that counts the others. */
function rowFaultEvents(faults: readonly RowFault[]): SystemEvent[] {
  const events = faults.slice(0, FAULT_EVENTS_MAX).map((fault) => ({
    ...faultEvent(`a row of the reference cannot be used: ${rowFaultText(fault)}. Correct the row`, {
      ...fault,
    }),
    ...(fault.rule === undefined ? {} : { level: ROW_RULES[fault.rule].level }),
  }));
  const others = faults.slice(FAULT_EVENTS_MAX);
  if (others.length === 0) return events;
  const tables = READ_TABLES.map((table) => ({
    table,
    count: others.filter((fault) => fault.table === table).length,
  })).filter(({ count }) => count > 0);
  const where = tables.map(({ table, count }) => `${count} in ${table}`).join(", ");
  const message = `${others.length} more values in rows of the reference cannot be used: ${where}. GET /reference names some of them. Correct the rows`;
  return [...events, faultEvent(message, { more: others.length })];
}

function faultEvent(what: string, details: Readonly<Record<string, unknown>>): SystemEvent {
  const message = `${what} in Postgres; it is read again within REFERENCE_REFRESH_MS`;
  return { level: "ERROR", source: SOURCE, message, details, actionNeeded: true };
}

/** Said when a ticker becomes two, and not again: it may be meant. */
function splitEvent(split: SplitTicker): SystemEvent {
  return {
    level: "WARNING",
    source: SOURCE,
    message: splitTickerText(split),
    details: { ...split },
    actionNeeded: concernsStrategies(split),
  };
}

function emptyEvent(lacking: readonly string[]): SystemEvent {
  return {
    level: "WARNING",
    source: SOURCE,
    message: `no signal can be dispatched: the reference has no ${lacking.join(" and no ")}; insert them into Postgres, and they are used within REFERENCE_REFRESH_MS`,
    details: { lacking },
    actionNeeded: true,
  };
}
