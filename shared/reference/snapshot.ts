import type { Phrase, ReferenceContent, Strategy, Ticker } from "./reference.ts";
import type { WebhookSource } from "./webhook-source.ts";

/** A strategy as decisions need it, with its symbols as a set. */
export type SubscribedStrategy = Omit<Strategy, "symbols"> & { readonly symbols: ReadonlySet<string> | null };

/** A phrase with its subscribed strategies, ascending by id. Phrases with the same strategies share one list. */
export type Subscription = Phrase & { readonly strategies: readonly SubscribedStrategy[] };

/** Tickers, phrases and strategies at one version; immutable. */
export interface Snapshot {
  readonly version: string;
  /** By symbol. */
  readonly tickers: ReadonlyMap<string, Ticker>;
  /** Symbols of tickers by their aliases. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly strategies: ReadonlyMap<number, SubscribedStrategy>;
  /** By folded phrase. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  /** The keys of `subscriptions` by their length. */
  readonly phrasesByLength: ReadonlyMap<number, readonly string[]>;
  /** The symbols of tickers and their aliases by their length. */
  readonly symbolsByLength: ReadonlyMap<number, readonly string[]>;
  /** The most strategies that subscribe to one phrase. */
  readonly strategiesPerPhraseMax: number;
  /** Webhook sources by name. */
  readonly sources: ReadonlyMap<string, WebhookSource>;
}

/**
 * Makes the snapshot of a version's content.
 * @throws Error when a phrase names a strategy that the content does not have: no decision may be based on such a snapshot
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
  const sharedLists = new Map<string, readonly SubscribedStrategy[]>();
  let strategiesPerPhraseMax = 0;
  // Sorted, since Redis keeps no order: of two equally close phrases, every process must find the same one.
  for (const [folded, phrase] of [...content.phrases].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const ids = phrase.strategy_ids.join();
    let subscribed = sharedLists.get(ids);
    if (subscribed === undefined) {
      subscribed = subscribedTo(phrase, strategies, version);
      sharedLists.set(ids, subscribed);
    }
    subscriptions.set(folded, { ...phrase, strategies: subscribed });
    addByLength(phrasesByLength, folded);
    strategiesPerPhraseMax = Math.max(strategiesPerPhraseMax, subscribed.length);
  }
  const { tickers, sources } = content;
  const aliases = new Map<string, string>();
  for (const [symbol, ticker] of tickers)
    for (const alias of ticker.aliases ?? []) aliases.set(alias, symbol);
  const symbolsByLength = new Map<number, string[]>();
  for (const symbol of [...tickers.keys(), ...aliases.keys()].toSorted())
    addByLength(symbolsByLength, symbol);
  return {
    version,
    tickers,
    aliases,
    strategies,
    subscriptions,
    phrasesByLength,
    symbolsByLength,
    strategiesPerPhraseMax,
    sources,
  };
}

function addByLength(byLength: Map<number, string[]>, text: string): void {
  const sameLength = byLength.get(text.length);
  if (sameLength === undefined) byLength.set(text.length, [text]);
  else sameLength.push(text);
}

function subscribedTo(
  { phrase, strategy_ids }: Phrase,
  strategies: ReadonlyMap<number, SubscribedStrategy>,
  version: string,
): readonly SubscribedStrategy[] {
  return strategy_ids.map((id) => {
    const strategy = strategies.get(id);
    if (strategy !== undefined) return strategy;
    throw new Error(
      `reference version ${version}: phrase ${phrase} names strategy ${id}, which the version does not have`,
    );
  });
}
