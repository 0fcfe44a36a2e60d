import type { ReferenceContent, Strategy, Ticker } from "./reference.ts";
import { namedId } from "./row-faults.ts";

/**
 * What would be traded differently with another reference, as lines for people; empty when nothing would. Strategies are the
 * same when id and name are: ids of two systems have nothing to do with each other.
 */
export function compareReferences(before: ReferenceContent, after: ReferenceContent): readonly string[] {
  const [was, is] = [strategiesOf(before), strategiesOf(after)];
  const both = [...was.keys()].filter((label) => is.has(label));
  const subscribed = [subscriptionsOf(before, both), subscriptionsOf(after, both)] as const;
  return [
    ...changeLines("ticker", tradableTickers(before), tradableTickers(after)),
    ...changeLines("spelling", spellingsOf(before), spellingsOf(after)),
    ...changeLines("strategy", [...was.keys()], [...is.keys()]),
    ...changeLines("subscription", ...subscribed),
    ...both.flatMap((label) => differences(label, was.get(label), is.get(label))),
  ];
}

const NAMED_MAX = 10;

/** How a line calls one or several of them, and what gaining and losing means. */
const WORDS = {
  ticker: { many: "tickers", gained: "would be traded from now on", lost: "would not be traded any longer" },
  spelling: {
    many: "other spellings",
    gained: "would be known from now on",
    lost: "would not be known any longer",
  },
  strategy: {
    many: "strategies",
    gained: "would get tasks from now on",
    lost: "would get no tasks any longer",
  },
  subscription: {
    many: "subscriptions",
    gained: "would be traded from now on",
    lost: "would not be traded any longer",
  },
} as const;

function changeLines(
  what: keyof typeof WORDS,
  before: readonly string[],
  after: readonly string[],
): readonly string[] {
  const [was, is] = [new Set(before), new Set(after)];
  const { gained, lost } = WORDS[what];
  return [
    ...lineOf(what, { names: after.filter((name) => !was.has(name)), becomes: `more: %s ${gained}` }),
    ...lineOf(what, { names: before.filter((name) => !is.has(name)), becomes: `less: %s ${lost}` }),
  ];
}

function lineOf(
  what: keyof typeof WORDS,
  { names, becomes }: { readonly names: readonly string[]; readonly becomes: string },
): readonly string[] {
  if (names.length === 0) return [];
  const named = names.slice(0, NAMED_MAX).join(", ");
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  const count = names.length === 1 ? `1 ${what}` : `${names.length} ${WORDS[what].many}`;
  return [`${becomes.replace("%s", count)}: ${named}${more}`];
}

function tradableTickers({ tickers }: ReferenceContent): string[] {
  return [...tickers].flatMap(([symbol, ticker]) => (isTradable(ticker) ? [symbol] : []));
}

/** Symbols under which tickers are known besides their own. */
function spellingsOf({ tickers }: ReferenceContent): string[] {
  return [...tickers].flatMap(([symbol, { aliases = [], exchanges = [] }]) => [
    ...aliases.map((alias) => `${alias} (${symbol})`),
    ...(exchanges === "*" ? [`any exchange before ${symbol}`] : exchanges.map((name) => `${name}:${symbol}`)),
  ]);
}

export function isTradable({ status, trade_permission: permission }: Ticker): boolean {
  return status === "enabled" && permission === "enabled";
}

/** The strategies that get tasks, by name and id. */
function strategiesOf({ strategies }: ReferenceContent): ReadonlyMap<string, Strategy> {
  return new Map([...strategies.values()].filter(getsTasks).map((strategy) => [labelOf(strategy), strategy]));
}

/** Whether anything is dispatched to the strategy. */
export function getsTasks(strategy: Strategy): boolean {
  const { enabled, archived, shadow, faults = [] } = strategy;
  const takes = getsOpenings(strategy) || strategy.exits === true;
  return enabled && !archived && takes && !shadow && faults.length === 0;
}

function getsOpenings({ allow_open: allowOpen, reverse }: Strategy): boolean {
  return allowOpen || reverse;
}

function labelOf({ id, name }: Strategy): string {
  return namedId(name, String(id));
}

/** Of these strategies, each phrase that leads to one with its direction. */
function subscriptionsOf({ phrases, strategies }: ReferenceContent, labels: readonly string[]): string[] {
  const known = new Set(labels);
  return [...phrases].flatMap(([folded, { state, direction, side, strategy_ids: ids }]) =>
    state !== "enabled" || direction === null
      ? []
      : ids.flatMap((id) => {
          const strategy = strategies.get(id);
          if (strategy === undefined || !known.has(labelOf(strategy))) return [];
          const isTaken = direction === "flat" ? strategy.exits === true : getsOpenings(strategy);
          const meaning = side === undefined ? direction : `${direction} ${side}`;
          return isTaken ? [`${folded} (${meaning}) to ${labelOf(strategy)}`] : [];
        }),
  );
}

/** What changes for a strategy that gets tasks before and after. */
function differences(label: string, was: Strategy | undefined, is: Strategy | undefined): readonly string[] {
  if (was === undefined || is === undefined) return [];
  const found = [
    change("symbols", symbolsText(was), symbolsText(is)),
    change("handler", was.handler, is.handler),
    change("signal_age_ms_max", ageText(was), ageText(is)),
    change("exits", String(was.exits ?? false), String(is.exits ?? false)),
    change("exit_age_ms_max", exitAgeText(was), exitAgeText(is)),
    // They may hold anything, so only that they differ is said.
    ...(JSON.stringify(was.params) === JSON.stringify(is.params) ? [] : [["other params"]]),
  ].flat();
  return found.length === 0 ? [] : [`differently: strategy ${label}: ${found.join("; ")}`];
}

function change(what: string, before: string, after: string): readonly string[] {
  return before === after ? [] : [`${what} ${after} instead of ${before}`];
}

function symbolsText({ symbols }: Strategy): string {
  if (symbols === null) return "all";
  const named = symbols.slice(0, NAMED_MAX).join(", ");
  const more = symbols.length > NAMED_MAX ? ` and ${symbols.length - NAMED_MAX} more` : "";
  return symbols.length === 0 ? "none" : `${named}${more}`;
}

function ageText({ signal_age_ms_max: max }: Strategy): string {
  return max === null || max === 0 ? "no limit" : `${max} ms`;
}

function exitAgeText({ exit_age_ms_max: max }: Strategy): string {
  if (max === undefined) return "as for openings";
  return max === 0 ? "no limit" : `${max} ms`;
}
