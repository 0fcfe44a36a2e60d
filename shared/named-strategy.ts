import { closest } from "fastest-levenshtein";

/** Finds the strategy that a person means by an id or a name; an unknown one is refused with the closest name. */
export function namedStrategy<Strategy extends { readonly id: number; readonly name: string }>(
  typed: string,
  strategies: readonly Strategy[],
): NamedStrategy<Strategy> {
  if (isStrategyId(typed)) {
    const found = strategies.find(({ id }) => id === Number(typed));
    if (found !== undefined) return { ok: true, strategy: found };
    return { ok: false, text: `there is no strategy with the id ${typed}` };
  }
  const [found, ...more] = strategies.filter(({ name }) => name === typed);
  if (found === undefined) {
    const names = strategies.map(({ name }) => name);
    const hint =
      names.length === 0 ? "the router has no strategies yet" : `the closest is "${closest(typed, names)}"`;
    return { ok: false, text: `no strategy has the name "${typed}": ${hint}` };
  }
  if (more.length === 0) return { ok: true, strategy: found };
  const ids = [found, ...more].map(({ id }) => id).join(", ");
  return { ok: false, text: `several strategies have the name "${typed}": type one of the ids ${ids}` };
}

export type NamedStrategy<Strategy> =
  | { readonly ok: true; readonly strategy: Strategy }
  /** For people. */
  | { readonly ok: false; readonly text: string };

/** Whether what was typed is an id, not a name. */
export function isStrategyId(typed: string): boolean {
  return /^[1-9]\d{0,9}$/.test(typed);
}
