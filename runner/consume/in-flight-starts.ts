import type { Holding } from "../holding/holdings.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";

/** Under which holding each entry in flight was started: one that an earlier one has not begun is started again under the next. */
export interface InFlightStarts {
  /** Gives a function to be called with those that have ended; one that was started again meanwhile stays in flight. */
  begin(ids: readonly string[], holding: Holding | undefined): (ended: readonly string[]) => void;
  /** Whether the entry is in flight since another holding than this one. */
  isFromEarlier(id: string, holding: Holding): boolean;
}

interface Start {
  readonly holding: Holding | undefined;
}

export function inFlightStarts(inFlight: Pick<InFlightEntries, "add" | "remove">): InFlightStarts {
  const last = new Map<string, Start>();
  return {
    begin(ids, holding) {
      const start: Start = { holding };
      for (const id of ids) last.set(id, start);
      inFlight.add(ids);
      return (ended) => {
        const own = ended.filter((id) => last.get(id) === start);
        for (const id of own) last.delete(id);
        inFlight.remove(own);
      };
    },
    isFromEarlier(id, holding) {
      const start = last.get(id);
      return start !== undefined && start.holding !== holding;
    },
  };
}
