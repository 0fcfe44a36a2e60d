import type { Binding } from "../engine/binding.ts";
import type { Services } from "../setup/services.ts";
import { sharesOf } from "./budget.ts";
import { drain, type Drained, type DrainOptions } from "./drain.ts";
import { GroupLostError } from "./ensure-group.ts";

/** What draining a function did, over all its streams. */
export interface DrainAnswer extends Omit<Drained, "stream"> {
  readonly streams: readonly Drained[];
  readonly tookMs: number;
  /** The groups that are gone, if any are; the other streams were drained. */
  readonly lost: readonly GroupLostError[];
}

/** Drains the streams of one function, one after the other, within the budget. */
export async function drainFunction(
  bindings: readonly Binding[],
  services: Services,
  { budget, countMax = Infinity }: DrainOptions,
): Promise<DrainAnswer> {
  const startedAt = performance.now();
  const streams: Drained[] = [];
  const lost: GroupLostError[] = [];
  for (const [binding, share] of sharesOf(bindings, budget)) {
    const room = countMax - sum(streams, "read");
    // What one stream of a function lacks, the others lack as well.
    if (room <= 0 || streams.at(-1)?.unavailable !== undefined) break;
    try {
      streams.push(await drain(binding, services, { budget: share, countMax: room }));
    } catch (error) {
      if (!(error instanceof GroupLostError)) throw error;
      lost.push(error);
    }
  }
  const unavailable = streams.find((drained) => drained.unavailable !== undefined)?.unavailable;
  return {
    read: sum(streams, "read"),
    committed: sum(streams, "committed"),
    left: sum(streams, "left"),
    ...heldBy(streams),
    empty: streams.length === bindings.length && streams.every(({ empty }) => empty),
    ...(unavailable === undefined ? {} : { unavailable }),
    tookMs: Math.round(performance.now() - startedAt),
    streams,
    lost,
  };
}

/** All groups of a function have one holder at most: each ordered one is read by one function on one stream. */
function heldBy(streams: readonly Drained[]): Pick<Drained, "held_by"> {
  const runner = streams.find(({ held_by }) => held_by !== undefined)?.held_by;
  return runner === undefined ? {} : { held_by: runner };
}

function sum(streams: readonly Drained[], what: "read" | "committed" | "left"): number {
  return streams.reduce((total, drained) => total + drained[what], 0);
}
