import type { CommitItem, CommitOptions, CommitSettings } from "../../commit.ts";
import { isEntryId } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { EffectsError } from "./append-shape.ts";
import { Payload } from "./payload.ts";

/**
 * Limits of one call, so that Redis is never blocked for long; a single entry beyond them goes alone. A third of a batch:
 * with halves others waited for Redis a third longer (1.9 instead of 1.4 ms, at most 9 instead of 7, beside the commits
 * alone with AOF), and routing was no faster with AOF, 5 % without. With quarters it was 7 % slower, with and without; and
 * beside a router that works off a backlog nobody waited less, with sixths neither: there it is cores that Redis waits for.
 */
export const CALL_LIMITS = { entries: 86, appends: 670, bytes: 1_000_000 } as const;

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
  let call = new OpenCall<Item>(keys, settings, options);
  for (const item of items) {
    if (call.add(item)) continue;
    calls.push(call.close());
    call = new OpenCall(keys, settings, options);
    call.add(item);
  }
  if (items.length > 0) calls.push(call.close());
  return calls;
}

/** A call that is made up item by item. */
class OpenCall<Item extends CommitItem> {
  readonly #keys: Keys;
  readonly #settings: CommitSettings;
  readonly #options: CommitCallOptions;
  readonly #items: Item[] = [];
  readonly #entryKeys: string[] = [];
  readonly #payload = new Payload();

  constructor(keys: Keys, settings: CommitSettings, options: CommitCallOptions) {
    this.#keys = keys;
    this.#settings = settings;
    this.#options = options;
  }

  /** False when the item is too much for this call; never for the first one. */
  add(item: Item): boolean {
    if (this.#items.length >= CALL_LIMITS.entries) return false;
    const before = this.#payload.checkpoint();
    const keysBefore = this.#entryKeys.length;
    this.#push(item);
    const { appends, bytes } = this.#payload.size();
    if (this.#items.length > 0 && (appends > CALL_LIMITS.appends || bytes > CALL_LIMITS.bytes)) {
      this.#payload.rollBackTo(before);
      this.#entryKeys.length = keysBefore;
      return false;
    }
    this.#items.push(item);
    return true;
  }

  close(): CommitCall<Item> {
    const { fence, decidedOn, timing } = this.#options;
    const keys = this.#keys;
    const { dedupTtlMs } = this.#settings;
    const targets = this.#payload.targets().map((stream) => keys.stream(stream));
    return {
      items: this.#items,
      keyNames: [
        keys.metrics,
        keys.referenceCurrent,
        keys.control,
        keys.stream(fence.kind === "group" ? fence.stream : "dead_letters"),
        ...targets,
        ...this.#entryKeys,
      ],
      settings: [
        fence.kind,
        fence.kind === "group" ? fence.group : "",
        decidedOn?.version ?? "",
        decidedOn?.epoch ?? "",
        decidedOn?.at === undefined ? "" : decidedOn.at + DECISION_MS_MAX,
        dedupTtlMs,
        dedupTtlMs,
        timing === undefined ? "" : `processing_ms:${timing}:`,
        targets.length,
      ],
      payload: this.#payload.pack(),
    };
  }

  #push(item: Item): void {
    const { effects } = item;
    const { claim } = effects;
    this.#payload.push(
      entryIdOf(item.id),
      this.#markOf(item),
      claim === undefined ? 0 : this.#entryKeys.push(this.#keys.dedup(claim.uid)),
    );
    this.#payload.pushBranch(effects);
    if (claim === undefined || this.#options.branches === "won") this.#payload.push(0);
    else this.#payload.pushBranch(claim.ifLost);
  }

  #markOf({ id, deadLetterId }: Item): string | number {
    const { fence } = this.#options;
    switch (fence.kind) {
      case "group":
        return "";
      case "dead_letter":
        return entryIdOf(deadLetterId);
      case "once":
        return this.#entryKeys.push(this.#keys.done(fence.invocation, id));
    }
  }
}

function entryIdOf(id: string | undefined): string {
  if (id !== undefined && isEntryId(id)) return id;
  throw new EffectsError(`${JSON.stringify(id)} is not the id of an entry`);
}
