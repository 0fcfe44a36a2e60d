import { namedId } from "../reference/row-faults.ts";
import { aliasLabel } from "./change-lines.ts";
import type { DocumentFault } from "./document.ts";
import type { EditPlan } from "./plan-edit.ts";

/** What Redis holds for a strategy that an edit would remove. */
export interface StrategyUse {
  readonly isPaused: boolean;
  /** Tasks that are not begun. */
  readonly tasksWaiting: number;
  /** Tasks that are run, or between two attempts. */
  readonly tasksInFlight: number;
  /** Whether there may be more of them, since so many tasks wait that not all were looked at. */
  readonly areTasksUnknown: boolean;
}

export const NO_USE: StrategyUse = {
  isPaused: false,
  tasksWaiting: 0,
  tasksInFlight: 0,
  areTasksUnknown: false,
};

export interface RemovalFacts extends StrategyUse {
  readonly hasHistory: boolean;
}

/** What a person has to agree to before rows are removed, and why some cannot be. */
export function removalsOf(
  { tickers, signals, strategies, aliases, sources }: EditPlan["removed"],
  facts: ReadonlyMap<number, RemovalFacts>,
): { readonly willRemove: readonly string[]; readonly faults: readonly DocumentFault[] } {
  return {
    willRemove: [
      ...tickers.map(({ symbol }) => `ticker ${symbol}`),
      ...signals.map(({ id, name }) => `signal ${namedId(name, `${id}`)}`),
      ...strategies.map(({ id, name }) => `strategy ${namedId(name, `${id}`)}${knownOf(facts.get(id))}`),
      ...aliases.map(aliasLabel),
      ...sources.map(({ name }) => `source ${name}: its webhook is refused from then on`),
    ],
    faults: strategies.flatMap(({ id, name }) => {
      const { tasksInFlight: count, areTasksUnknown } = facts.get(id) ?? NO_USE;
      if (count === 0 && !areTasksUnknown) return [];
      const known = count === 1 ? "a task in flight" : `${count} tasks in flight`;
      const tasks = count === 0 ? "perhaps tasks in flight (too many wait to look at all)" : known;
      const message = `strategy ${namedId(name, `${id}`)} has ${tasks} and cannot be removed now: archive it instead (archived: true), or try again when they have ended`;
      return [{ path: "strategies", message }];
    }),
  };
}

function knownOf(facts: RemovalFacts | undefined): string {
  if (facts === undefined) return "";
  const { hasHistory, isPaused, tasksWaiting } = facts;
  const said = [
    ...(hasHistory ? ["it has history in the log"] : []),
    ...(isPaused ? ["it is paused, and the pause stays for its id"] : []),
    ...(tasksWaiting > 0 ? [`${tasksWaiting} tasks wait for it, which will fail`] : []),
  ];
  return said.length === 0 ? "" : `: ${said.join(", ")}`;
}
