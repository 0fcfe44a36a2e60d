import type { SystemEvent } from "../shared/events.ts";
import type { PublishState, ReferenceStore } from "../shared/io/reference/reference-store.ts";
import { buildReference, contentJson } from "../shared/reference/build-reference.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import type { UnusableStrategy } from "../shared/unusable-strategy.ts";
import type { CheckedStrategy } from "./check-strategies.ts";

/**
 * Reads the reference from Postgres and publishes it as the current snapshot. It takes its ticket before it reads, so that of
 * two refreshes the one that read later wins. Throws what the source and the store throw; the current snapshot then stays.
 */
export async function refreshReference(context: RefreshContext): Promise<RefreshResult> {
  const { source, store, now, checkStrategies } = context;
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
  // Also of an unchanged reference: this process may be new, with other secrets than the last one.
  const unusable = checkStrategies?.(content.strategies.values()) ?? [];
  if (state !== "published") return { state, version, counts, events: [], unusable };
  const published: SystemEvent = {
    level: "INFO",
    source: "refresh-reference",
    message: `reference version ${version} is current: ${counts.tickers} tickers, ${counts.strategies} strategies, ${counts.phrases} phrases`,
    details: { version, ...counts },
  };
  const lacking = Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [what] : []));
  const empty: SystemEvent[] = lacking.length === 0 ? [] : [emptyEvent(lacking)];
  return { state, version, counts, events: [published, ...empty, ...warnings], unusable };
}

export interface RefreshContext {
  readonly source: {
    /** All reference rows as of one moment. */
    load(): Promise<ReferenceRows>;
    /** Stores a version for good; does nothing when it is stored already. */
    save(version: string, content: unknown, createdAt: Date): Promise<void>;
  };
  readonly store: ReferenceStore;
  /** Redis' clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Finds the strategies that this process cannot run; undefined when it runs none. */
  readonly checkStrategies?: (strategies: Iterable<CheckedStrategy>) => readonly UnusableStrategy[];
}

export interface RefreshResult {
  readonly state: PublishState;
  readonly version: string;
  readonly counts: { readonly tickers: number; readonly strategies: number; readonly phrases: number };
  /** What a person should know; empty unless a new version was published. */
  readonly events: readonly SystemEvent[];
  /** The strategies that this process cannot run. */
  readonly unusable: readonly UnusableStrategy[];
}

function emptyEvent(lacking: readonly string[]): SystemEvent {
  return {
    level: "WARNING",
    source: "refresh-reference",
    message: `no signal can be dispatched: the reference has no ${lacking.join(" and no ")}; insert them into Postgres, and they are used within REFERENCE_REFRESH_MS`,
    details: { lacking },
    actionNeeded: true,
  };
}
