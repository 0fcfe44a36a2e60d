import { closest } from "fastest-levenshtein";

/** A strategy as people name it: by its id or its name. */
export type StrategyChoice =
  | { readonly ok: true; readonly id: number }
  /** Why none is meant, for people. */
  | { readonly ok: false; readonly why: string };

/** What was typed is an id, not a name. */
export function isStrategyId(typed: string): boolean {
  return /^[1-9]\d{0,9}$/.test(typed);
}

/** The strategy with this id or name. */
export function chosenStrategy(
  typed: string,
  strategies: ReadonlyMap<number, { readonly name: string }>,
): StrategyChoice {
  if (!isStrategyId(typed)) return strategyNamed(typed, strategies);
  const id = Number(typed);
  if (strategies.has(id)) return { ok: true, id };
  return { ok: false, why: `no strategy has the id ${typed}` };
}

/** The strategy with this name. */
export function strategyNamed(
  typed: string,
  strategies: ReadonlyMap<number, { readonly name: string }>,
): StrategyChoice {
  const [id, ...more] = [...strategies].filter(([, { name }]) => name === typed).map(([found]) => found);
  if (id === undefined) {
    const names = [...strategies.values()].map(({ name }) => name);
    const hint =
      names.length === 0 ? "the router has no strategies yet" : `the closest is "${closest(typed, names)}"`;
    return { ok: false, why: `no strategy has the name "${typed}": ${hint}` };
  }
  if (more.length === 0) return { ok: true, id };
  const ids = [id, ...more].join(", ");
  return { ok: false, why: `several strategies have the name "${typed}": give one of the ids ${ids}` };
}
