import type { SystemEvent } from "../shared/events.ts";
import type { PublishState, ReferenceStore } from "../shared/io/reference/reference-store.ts";
import { buildReference, contentJson } from "../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../shared/strategy.ts";
import { strategyFaults } from "./check-strategies.ts";

export interface RefreshContext {
  readonly source: {
    /** All reference rows as of one moment. */
    load(): Promise<ReferenceRows>;
    /** Keeps a version for good; harmless when it is kept already. */
    save(version: string, content: unknown, createdAt: Date): Promise<void>;
  };
  readonly store: ReferenceStore;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Where strategies are run by this process: its handlers, which every strategy is checked against. */
  readonly handlers?: readonly AnyStrategyHandler[];
}

export interface RefreshResult {
  readonly state: PublishState;
  readonly version: string;
  readonly counts: { readonly tickers: number; readonly strategies: number; readonly phrases: number };
  /** What a person should know; empty unless a new version was published. */
  readonly events: readonly SystemEvent[];
}

/**
 * Reads the reference from Postgres and makes it the current snapshot. The ticket is taken before the read, so that of
 * two refreshes the one that looked later wins. Throws what the source and the store throw; the snapshot
 * that is there then stays.
 */
export async function refreshReference(context: RefreshContext): Promise<RefreshResult> {
  const { source, store, now, handlers } = context;
  const ticket = await store.takeTicket();
  const { content, version, warnings } = buildReference(await source.load());
  if (version !== (await store.currentVersion()))
    await source.save(version, contentJson(content), new Date(now()));
  const state = await store.publish({ ticket, version, content, now: now() });
  const counts = {
    tickers: content.tickers.size,
    strategies: content.strategies.size,
    phrases: content.phrases.size,
  };
  if (state !== "published") return { state, version, counts, events: [] };
  const published: SystemEvent = {
    level: "INFO",
    source: "refresh-reference",
    message: `reference version ${version} is current: ${counts.tickers} tickers, ${counts.strategies} strategies, ${counts.phrases} phrases`,
    details: { version, ...counts },
  };
  const lacking = Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [what] : []));
  const empty: SystemEvent[] = lacking.length === 0 ? [] : [emptyEvent(lacking)];
  const faults = handlers === undefined ? [] : strategyFaults(content.strategies.values(), handlers);
  return { state, version, counts, events: [published, ...empty, ...warnings, ...faults] };
}

function emptyEvent(lacking: readonly string[]): SystemEvent {
  return {
    level: "WARNING",
    source: "refresh-reference",
    message: `no signal can be dispatched: the reference has no ${lacking.join(" and no ")}; what is inserted into Postgres is found within REFERENCE_REFRESH_MS`,
    details: { lacking },
    actionNeeded: true,
  };
}
