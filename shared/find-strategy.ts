import { distance } from "fastest-levenshtein";

/**
 * Finds the strategy that a person means by its id or its name. An id is taken as it is: it need not be in the reference, unless
 * it is the name of a strategy. A name that none has, or several have, is a fault, with what is known instead.
 */
export function findStrategy(
  typed: string,
  strategies: ReadonlyMap<number, { readonly name: string }>,
): FoundStrategy {
  if (STRATEGY_ID.test(typed)) return byId(typed, strategies);
  const found = [...strategies].filter(([, { name }]) => name === typed).map(([id]) => id);
  const [id, ...more] = found;
  if (id === undefined) {
    const closest = closestName(
      typed,
      [...strategies.values()].map(({ name }) => name),
    );
    const hint = closest === undefined ? "the router has no strategies yet" : `the closest is "${closest}"`;
    return { ok: false, found: "none", fault: `no strategy has the name "${typed}": ${hint}` };
  }
  if (more.length === 0) return { ok: true, id };
  const fault = `several strategies have the name "${typed}": type one of the ids ${found.join(", ")}`;
  return { ok: false, found: "several", fault };
}

/** A strategy may be called "7" and have another id: acting on an id 7 that none has would leave that one alone. */
function byId(typed: string, strategies: ReadonlyMap<number, { readonly name: string }>): FoundStrategy {
  const id = Number(typed);
  const named = strategies.has(id) ? [] : [...strategies].filter(([, { name }]) => name === typed);
  if (named.length === 0) return { ok: true, id };
  const ids = named.map(([other]) => other).join(", ");
  const fault = `no strategy has the id ${typed}, and "${typed}" is the name of another one: type its id, ${ids}`;
  return { ok: false, found: "several", fault };
}

/** The same, for what needs the strategy itself: an id that is not in the reference is a fault, too. */
export function findKnownStrategy<Strategy extends { readonly name: string }>(
  typed: string,
  strategies: ReadonlyMap<number, Strategy>,
):
  | Extract<FoundStrategy, { ok: false }>
  | { readonly ok: true; readonly id: number; readonly strategy: Strategy } {
  const found = findStrategy(typed, strategies);
  if (!found.ok) return found;
  const strategy = strategies.get(found.id);
  if (strategy !== undefined) return { ...found, strategy };
  return { ok: false, found: "none", fault: `no strategy has the id ${typed}` };
}

/** By the share of letters that differ: a short name is not close to everything that is short. */
function closestName(typed: string, names: readonly string[]): string | undefined {
  const shareOf = (name: string): number =>
    distance(typed.toLowerCase(), name.toLowerCase()) / Math.max(typed.length, name.length, 1);
  return names.toSorted((a, b) => shareOf(a) - shareOf(b))[0];
}

/** What is typed as an id, not as a name. */
export const STRATEGY_ID = /^[1-9]\d{0,9}$/;

export type FoundStrategy =
  | { readonly ok: true; readonly id: number }
  /** `fault` is a clause for people. */
  | { readonly ok: false; readonly found: "none" | "several"; readonly fault: string };
