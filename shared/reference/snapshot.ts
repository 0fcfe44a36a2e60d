import type { Phrase, ReferenceContent, Strategy, Ticker } from "./reference.ts";

/** A strategy as decisions need it: its ticker list ready for look-ups. */
export type SubscribedStrategy = Omit<Strategy, "symbols"> & { readonly symbols: ReadonlySet<string> | null };

/** A phrase with the strategies that subscribe to it, ascending by id: the very same list for phrases with the same ones. */
export type Subscription = Phrase & { readonly strategies: readonly SubscribedStrategy[] };

/** Tickers, phrases and strategies as they were at one version; immutable. */
export interface Snapshot {
  readonly version: string;
  /** By normalised symbol. */
  readonly tickers: ReadonlyMap<string, Ticker>;
  readonly strategies: ReadonlyMap<number, SubscribedStrategy>;
  /** By folded phrase. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** The keys of `subscriptions` by their length. */
  readonly phrasesByLength: ReadonlyMap<number, readonly string[]>;
  /** The most strategies that subscribe to one phrase. */
  readonly strategiesPerPhraseMax: number;
}

/**
 * The snapshot made of a version's content.
 * @throws Error when a phrase names a strategy the content does not have: such a snapshot must not be decided on.
 */
export function snapshotOf(version: string, content: ReferenceContent): Snapshot {
  const strategies = new Map<number, SubscribedStrategy>();
  for (const [id, strategy] of content.strategies) {
    strategies.set(id, {
      ...strategy,
      symbols: strategy.symbols === null ? null : new Set(strategy.symbols),
    });
  }
  const subscriptions = new Map<string, Subscription>();
  const phrasesByLength = new Map<number, string[]>();
  const lists = new Map<string, readonly SubscribedStrategy[]>();
  let strategiesPerPhraseMax = 0;
  // In one order, since Redis keeps none: the closest of two equally close phrases must be the same everywhere.
  for (const [folded, phrase] of [...content.phrases].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const ids = phrase.strategy_ids.join();
    let subscribed = lists.get(ids);
    if (subscribed === undefined) {
      subscribed = subscribersOf(phrase, strategies, version);
      lists.set(ids, subscribed);
    }
    subscriptions.set(folded, { ...phrase, strategies: subscribed });
    const asLong = phrasesByLength.get(folded.length);
    if (asLong === undefined) phrasesByLength.set(folded.length, [folded]);
    else asLong.push(folded);
    strategiesPerPhraseMax = Math.max(strategiesPerPhraseMax, subscribed.length);
  }
  const { tickers } = content;
  return { version, tickers, strategies, subscriptions, phrasesByLength, strategiesPerPhraseMax };
}

function subscribersOf(
  { phrase, strategy_ids }: Phrase,
  strategies: ReadonlyMap<number, SubscribedStrategy>,
  version: string,
): readonly SubscribedStrategy[] {
  return strategy_ids.map((id) => {
    const strategy = strategies.get(id);
    if (strategy !== undefined) return strategy;
    throw new Error(
      `reference version ${version}: phrase ${phrase} names strategy ${id}, which is not in it`,
    );
  });
}
