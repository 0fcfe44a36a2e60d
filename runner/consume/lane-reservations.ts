import type { StreamGroup } from "../../shared/io/streams/stream-group.ts";
import type { Overlapping } from "../engine/binding.ts";
import type { Hand } from "./in-flight-entries.ts";

const PAGE_COUNT = 500;

/** Keeps a place for everything that is in somebody else's hands, before anything newer is read. */
export async function keepPlaces(overlapping: Overlapping, group: StreamGroup, hand: Hand): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const place = after === undefined ? {} : { after };
    const pending = await group.pending({ idleMs: 0, countMax: PAGE_COUNT, ...place });
    const others = pending.filter(({ id }) => !hand.ids.has(id));
    for (const entry of await group.fetch(others.map(({ id }) => id))) overlapping.keepPlace(entry);
    after = pending.at(-1)?.id;
    if (pending.length < PAGE_COUNT) return;
  }
}

/** Gives up the places of entries that are in nobody's hands any more: somebody has finished them. */
export async function releasePlaces(overlapping: Overlapping, group: StreamGroup): Promise<void> {
  const kept = [...overlapping.kept];
  const pending = new Set(await group.stillPending(kept));
  for (const id of kept) if (!pending.has(id)) overlapping.release(id);
}
