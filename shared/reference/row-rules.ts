/**
 * What rows may not say together: each can be used alone, and what they say about each other cannot. `health` and events name such
 * a row like one that cannot be read.
 */
export const ROW_RULES = {
  opens: {
    expected: "a phrase by which no enabled signal opens",
    effect: "the phrase only opens: no position is closed by it",
    level: "ERROR",
  },
  sides: {
    expected: "a phrase that closes the same side in all enabled signals",
    effect: "nothing is closed by it: its signals are ignored as ambiguous_phrase",
    level: "ERROR",
  },
  is_ticker: {
    expected: "a spelling that means no ticker by itself",
    effect: "the alias is left out: the symbol means its own ticker",
    level: "ERROR",
  },
  of_two: {
    expected: "an alias of one ticker",
    effect: "the alias is left out: its signals are ignored as unknown_ticker",
    level: "ERROR",
  },
  no_ticker: {
    expected: "the symbol of a ticker",
    effect: "the alias is left out: its signals are ignored as unknown_ticker",
    level: "WARNING",
  },
  makes_signals: {
    expected: "what makes one signal of each alert",
    effect: "the source is left out: its webhooks are refused",
    level: "ERROR",
  },
} as const satisfies Readonly<Record<string, Rule>>;

export type RowRule = keyof typeof ROW_RULES;
export const ROW_RULE_NAMES = Object.keys(ROW_RULES) as readonly RowRule[];

interface Rule {
  readonly expected: string;
  /** What the router does now, as a clause for people. */
  readonly effect: string;
  /** Of the event about it. */
  readonly level: "ERROR" | "WARNING";
}
