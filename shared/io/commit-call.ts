import { isEntryId } from "../entry.ts";
import type { Keys } from "../keys.ts";
import type { CommitItem, CommitOptions, CommitSettings } from "./commit.ts";
import { EffectsError, openPayload } from "./commit-payload.ts";

/**
 * Limits of one call, so that Redis is never blocked for long. A single entry beyond them goes alone. With 64 entries a call
 * took Redis 8 % more per signal; what others wait for was not shorter beyond noise.
 */
export const CALL_LIMITS = { entries: 128, appends: 1_000, bytes: 1_000_000 } as const;

/**
 * A decision that comes to its commit later than this, in ms, is made again: its signal may have become too old while
 * Redis stood still, or this process.
 */
export const DECISION_MS_MAX = 2_000;

/** The keys and arguments of one call of the commit script, and the items it is about. */
export interface CommitCall<Item extends CommitItem = CommitItem> {
  readonly items: readonly Item[];
  readonly keyNames: readonly string[];
  /** The arguments that say how it is to be done. */
  readonly settings: readonly (string | number)[];
  /** Those that say what. */
  readonly payload: readonly (Buffer | string)[];
}

export interface CommitCallOptions extends Omit<CommitOptions, "turn"> {
  /**
   * What is sent of an item that claims a uid: what happens if it is won (then one that is not is left as it is), or that
   * and what happens instead.
   */
  readonly branches: "won" | "both";
}

/**
 * The items in order as calls within {@link CALL_LIMITS}, in the layout the script's header describes. One pass: an item
 * is written down, and taken back if it turns out to be too much for the call.
 * @throws Error when an item is malformed: found out in mid-script it would lose entries, since Lua does not roll back.
 */
export function commitCalls<Item extends CommitItem>(
  items: readonly Item[],
  keys: Keys,
  settings: CommitSettings,
  options: CommitCallOptions,
): CommitCall<Item>[] {
  const calls: CommitCall<Item>[] = [];
  let call = openCall<Item>(keys, settings, options);
  for (const item of items) {
    if (call.add(item)) continue;
    calls.push(call.close());
    call = openCall(keys, settings, options);
    call.add(item);
  }
  if (items.length > 0) calls.push(call.close());
  return calls;
}

interface OpenCall<Item extends CommitItem> {
  /** False when the item is too much for this call; never for the first one. */
  add(item: Item): boolean;
  close(): CommitCall<Item>;
}

function openCall<Item extends CommitItem>(
  keys: Keys,
  settings: CommitSettings,
  { fence, decidedOn, timing, branches }: CommitCallOptions,
): OpenCall<Item> {
  const items: Item[] = [];
  const entryKeys: string[] = [];
  const payload = openPayload();

  function markOf({ id, deadLetterId }: Item): string | number {
    switch (fence.kind) {
      case "group":
        return "";
      case "dead_letter":
        return entryIdOf(deadLetterId);
      case "once":
        return entryKeys.push(keys.done(fence.invocation, id));
    }
  }

  function push(item: Item): void {
    const { effects } = item;
    const { claim } = effects;
    payload.push(
      entryIdOf(item.id),
      markOf(item),
      claim === undefined ? 0 : entryKeys.push(keys.dedup(claim.uid)),
    );
    payload.pushBranch(effects);
    if (claim === undefined || branches === "won") payload.push(0);
    else payload.pushBranch(claim.ifLost);
  }

  return {
    add(item) {
      if (items.length >= CALL_LIMITS.entries) return false;
      const before = payload.mark();
      const keysBefore = entryKeys.length;
      push(item);
      const { appends, bytes } = payload.size();
      if (items.length > 0 && (appends > CALL_LIMITS.appends || bytes > CALL_LIMITS.bytes)) {
        payload.cutTo(before);
        entryKeys.length = keysBefore;
        return false;
      }
      items.push(item);
      return true;
    },
    close() {
      const source = fence.kind === "group" ? fence.stream : "dead_letters";
      const targets = payload.targets().map((stream) => keys.stream(stream));
      return {
        items,
        keyNames: [
          keys.metrics,
          keys.referenceCurrent,
          keys.control,
          keys.stream(source),
          ...targets,
          ...entryKeys,
        ],
        settings: [
          fence.kind,
          fence.kind === "group" ? fence.group : "",
          decidedOn?.version ?? "",
          decidedOn?.epoch ?? "",
          decidedOn?.at === undefined ? "" : decidedOn.at + DECISION_MS_MAX,
          settings.dedupTtlMs,
          settings.dedupTtlMs,
          timing === undefined ? "" : `processing_ms:${timing}:`,
          targets.length,
        ],
        payload: payload.pack(),
      };
    },
  };
}

function entryIdOf(id: string | undefined): string {
  if (id !== undefined && isEntryId(id)) return id;
  throw new EffectsError(`${JSON.stringify(id)} is not the id of an entry`);
}
