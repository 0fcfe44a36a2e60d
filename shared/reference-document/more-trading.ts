import { canonicalJson } from "../reference/reference-text.ts";
import type { ReferenceContent, Strategy } from "../reference/reference.ts";
import { strategyLabel } from "../strategy-label.ts";
import { moreSymbols } from "./more-symbols.ts";

/**
 * What would be traded with another reference and is not now, as lines for people; empty when nothing is. Strategies are the
 * same when their ids are. Pauses do not count: an edit lifts none.
 */
export function moreTrading(
  before: ReferenceContent,
  after: ReferenceContent,
  { couldNotRun = NONE, cannotRun = NONE }: KnownUnusable = {},
): readonly string[] {
  const links = [subscriptionsOf(before), subscriptionsOf(after)] as const;
  const strategies = [...after.strategies.values()].filter(mayGetTasks).flatMap((is) => {
    const was = before.strategies.get(is.id);
    const label = strategyLabel(is.id, is.name);
    if (was === undefined || !mayGetTasks(was)) return [`strategy ${label} would trade: ${whyNow(was, is)}`];
    return [
      ...widened(was, is).map((what) => `strategy ${label}: ${what}`),
      ...(couldNotRun.has(is.id) && !cannotRun.has(is.id)
        ? [`strategy ${label}: it can be run, and its tasks fail now`]
        : []),
      ...gainedSubscriptions(links, is).map((what) => `strategy ${label}: ${what}`),
    ];
  });
  return [...moreSymbols(before, after), ...strategies, ...moreSources(before, after)];
}

/** Ids of strategies that are known not to be able to run: their tasks fail. */
export interface KnownUnusable {
  readonly couldNotRun?: ReadonlySet<number>;
  readonly cannotRun?: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();
const NAMED_MAX = 10;

/** Whether openings or exits are dispatched to the strategy. */
function mayGetTasks({ enabled, archived, shadow, faults = [], ...may }: Strategy): boolean {
  const trades = may.allow_open || may.reverse || may.exits === true;
  return enabled && !archived && !shadow && trades && faults.length === 0;
}

function moreSources({ sources: before }: ReferenceContent, { sources: after }: ReferenceContent): string[] {
  return [...after].flatMap(([name, source]) => {
    const was = before.get(name);
    if (!source.enabled || canonicalJson(was) === canonicalJson(source)) return [];
    const what = was === undefined ? "is new" : was.enabled ? "is changed" : "is switched on";
    return [`source ${name}: it ${what}, and its alerts would become signals`];
  });
}

/** What makes a strategy get tasks that gets none now. */
function whyNow(was: Strategy | undefined, is: Strategy): string {
  if (was === undefined) return "it is new";
  const reasons = [
    ...(was.enabled ? [] : ["enabled true instead of false"]),
    ...(was.archived ? ["archived false instead of true"] : []),
    ...(was.shadow ? ["shadow false instead of true"] : []),
    ...flags(was, is),
    ...((was.faults ?? []).length > 0 ? ["its row can be used again"] : []),
  ];
  return reasons.join(", ");
}

function flags(was: Strategy, is: Strategy): string[] {
  return [
    ...(is.allow_open && !was.allow_open ? ["allow_open true instead of false"] : []),
    ...(is.reverse && !was.reverse ? ["reverse true instead of false"] : []),
    ...(is.exits === true && was.exits !== true ? ["exits true instead of false"] : []),
  ];
}

function widened(was: Strategy, is: Strategy): string[] {
  return [
    ...flags(was, is),
    ...gainedSymbols(was.symbols, is.symbols),
    ...(limitOf(is) > limitOf(was)
      ? [`older signals: signal_age_ms_max ${ageText(is)} instead of ${ageText(was)}`]
      : []),
    ...olderExits(was, is),
    ...(is.handler === was.handler ? [] : [`handler ${is.handler} instead of ${was.handler}`]),
  ];
}

function gainedSymbols(was: Strategy["symbols"], is: Strategy["symbols"]): string[] {
  if (was === null) return [];
  if (is === null) return [`all tickers instead of ${listed(was)}`];
  const known = new Set(was);
  const gained = is.filter((symbol) => !known.has(symbol));
  return gained.length === 0 ? [] : [`more tickers: ${listed(gained)}`];
}

/** 0 and null: no limit of its own. */
function limitOf({ signal_age_ms_max: max }: Strategy): number {
  return max === null || max === 0 ? Number.POSITIVE_INFINITY : max;
}

/** Without a limit of its own an exit has those of openings, the router's too, which may be higher or lower. */
function olderExits(was: Strategy, is: Strategy): string[] {
  const [before, after] = [was.exit_age_ms_max, is.exit_age_ms_max];
  if (is.exits !== true || was.exits !== true || before === after || before === 0) return [];
  if (before !== undefined && after !== undefined && after !== 0 && after < before) return [];
  if (before !== undefined && after === undefined && limitOf(is) <= before) return [];
  const text = (age: number | undefined): string =>
    age === undefined ? "null (as for openings)" : age === 0 ? "0 (any age)" : `${age}`;
  return [`perhaps older exits: exit_age_ms_max ${text(after)} instead of ${text(before)}`];
}

function ageText(strategy: Strategy): string {
  const limit = limitOf(strategy);
  return Number.isFinite(limit) ? `${limit}` : "without a limit";
}

/** Of each strategy the phrases that lead to it with their direction, as compared and as shown. */
type Subscriptions = ReadonlyMap<number, ReadonlyMap<string, string>>;

function subscriptionsOf({ phrases, strategies }: ReferenceContent): Subscriptions {
  const found = new Map<number, Map<string, string>>();
  for (const [folded, { state, direction, side, phrase, strategy_ids: ids }] of phrases) {
    if (state !== "enabled" || direction === null) continue;
    const isExit = direction === "flat";
    const what = isExit ? `exit${side === undefined ? "" : ` of ${side}`}` : direction;
    // An exit of both sides is one of each.
    const keys = isExit ? (side === undefined ? ["long", "short"] : [side]) : [""];
    for (const id of ids) {
      if (isExit && strategies.get(id)?.exits !== true) continue;
      const known = found.get(id) ?? new Map<string, string>();
      for (const key of keys) known.set(`${direction} ${key} ${folded}`, `${phrase} (${what})`);
      found.set(id, known);
    }
  }
  return found;
}

function gainedSubscriptions(
  [before, after]: readonly [Subscriptions, Subscriptions],
  { id }: Strategy,
): string[] {
  const known = before.get(id);
  const gained = new Set(
    [...(after.get(id) ?? [])].flatMap(([key, shown]) => (known?.has(key) === true ? [] : [shown])),
  );
  return gained.size === 0 ? [] : [`it would get ${listed([...gained])}`];
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `${names.slice(0, NAMED_MAX).join(", ")}${more}`;
}
