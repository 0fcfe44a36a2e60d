import { planReclaim } from "../functions/reclaim.ts";
import { deadLetterEffects } from "../shared/dead-letter.ts";
import type { Entry } from "../shared/entry.ts";
import type { PendingEntry, StreamGroup } from "../shared/io/stream-group.ts";
import type { Binding } from "./binding.ts";
import type { Hand } from "./hand.ts";
import { work, type WorkDeps } from "./work.ts";

export interface TakeOverDeps extends WorkDeps {
  readonly group: StreamGroup;
  readonly hand: Hand;
  readonly claimIdleMs: number;
  readonly deliveriesMax: number;
}

const PENDING_PER_LOOK = 100;

/**
 * Takes over what dead or stuck consumers left behind. One entry at a time, each claimed only when it is its turn and
 * worked on alone: if it kills the process, no other entry's delivery count has risen.
 */
export async function takeOver(binding: Binding, deps: TakeOverDeps): Promise<void> {
  const { group, hand, claimIdleMs, deliveriesMax } = deps;
  let taken = 0;
  let after: string | undefined;
  while (!deps.stopping.aborted) {
    const pending = await group.pending({
      idleMs: claimIdleMs,
      countMax: PENDING_PER_LOOK,
      ...(after === undefined ? {} : { after }),
    });
    const plan = planReclaim(pending, { held: hand.ids, deliveriesMax });
    for (const entry of plan.giveUp)
      await withClaimed(entry, deps, async (claimed) => giveUp(binding, claimed, entry, deps));
    for (const entry of plan.take) {
      if (deps.stopping.aborted) return;
      const options = { deliveries: entry.deliveries + 1, after: Promise.resolve() };
      const done = await withClaimed(entry, deps, async (claimed) => work(binding, [claimed], deps, options));
      if (done) taken += 1;
    }
    after = pending.at(-1)?.id;
    if (pending.length < PENDING_PER_LOOK) break;
  }
  if (taken > 0) report(binding, taken, deps);
}

/** Claims the entry and holds it while `act` runs; false if somebody else was faster. */
async function withClaimed(
  { id }: PendingEntry,
  { group, hand, claimIdleMs }: TakeOverDeps,
  act: (entry: Entry) => Promise<void>,
): Promise<boolean> {
  const entry = await group.claim(id, claimIdleMs);
  if (entry === undefined) return false;
  hand.add([id]);
  try {
    await act(entry);
  } finally {
    hand.remove([id]);
  }
  return true;
}

async function giveUp(
  binding: Binding,
  entry: Entry,
  { deliveries }: PendingEntry,
  deps: TakeOverDeps,
): Promise<void> {
  const { stream, group, functionName } = binding;
  const error = `delivered ${deliveries} times without being finished: it failed each time, or ended its process`;
  const dead = { id: entry.id, status: "dead", reason: "deliveries_exhausted", error } as const;
  const effects = deadLetterEffects(entry, dead, { stream, functionName, deliveries, at: deps.clock.now() });
  await deps.commit([{ id: entry.id, effects }], {
    fence: { kind: "group", stream, group },
    timing: functionName,
  });
}

function report({ stream, functionName }: Binding, taken: number, { events }: TakeOverDeps): void {
  events.publish({
    level: "INFO",
    source: "reclaim",
    message: `took over ${taken} entries of ${stream} that another consumer had left unfinished`,
    details: { stream, function: functionName, entries: taken },
  });
}
