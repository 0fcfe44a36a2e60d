import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { ConcurrentWork } from "../engine/binding.ts";
import type { InFlightEntries } from "./in-flight-entries.ts";

const PAGE_COUNT = 500;

/** Keeps a place for everything that is in somebody else's hands, before anything newer is read. */
export async function reserveLanes(
  concurrent: ConcurrentWork,
  group: StreamGroup,
  inFlight: InFlightEntries,
): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const slot = after === undefined ? {} : { after };
    const pending = await group.pending({ idleMs: 0, countMax: PAGE_COUNT, ...slot });
    const others = pending.filter(({ id }) => !inFlight.ids.has(id));
    for (const entry of await group.fetch(others.map(({ id }) => id))) concurrent.reserve(entry);
    after = pending.at(-1)?.id;
    if (pending.length < PAGE_COUNT) return;
  }
}

/** Gives up the places of entries that are in nobody's hands any more: somebody has finished them. */
export async function releaseReservations(concurrent: ConcurrentWork, group: StreamGroup): Promise<void> {
  const kept = [...concurrent.reserved];
  const pending = new Set(await group.stillPending(kept));
  for (const id of kept) if (!pending.has(id)) concurrent.release(id);
}
