import type { Claim } from "../../claim.ts";
import { EffectsError, type CommitItem, type CommitOptions, type CommitSettings } from "../../commit.ts";
import { isEntryId } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { MessageBuilder, type PackedMessage } from "./message-builder.ts";

/**
 * The items, in order, as calls of the commit script within {@link CALL_LIMITS}. One pass: an item is written into the
 * call, and rolled back if the call is too large with it.
 * @throws EffectsError when an item is malformed: found out in mid-script it would lose entries, since Lua does not roll back.
 */
export function commitCalls<Item extends CommitItem>(
  items: readonly Item[],
  keys: Keys,
  settings: CommitSettings,
  options: CommitCallOptions,
): CommitCall<Item>[] {
  const calls: CommitCall<Item>[] = [];
  let call = new CallBuilder<Item>(keys, settings, options);
  for (const item of items) {
    if (call.add(item)) continue;
    calls.push(call.build());
    call = new CallBuilder(keys, settings, options);
    call.add(item);
  }
  if (items.length > 0) calls.push(call.build());
  return calls;
}

/** The keys and arguments of one call of the commit script, and the items it is about; the script's header explains them. */
export interface CommitCall<Item extends CommitItem = CommitItem> extends PackedMessage {
  readonly items: readonly Item[];
  readonly keyNames: readonly string[];
  /** The arguments before `label`. */
  readonly settings: readonly (string | number)[];
}

export interface CommitCallOptions extends Omit<CommitOptions, "turn"> {
  /** Branches sent of an item that claims a uid. With `won` alone, nothing is done for an item whose claim is lost. */
  readonly branches: "won" | "both";
}

/**
 * Limits of one call, so that Redis is never blocked for long; a single entry beyond them has a call of its own. A third of
 * a batch: with halves, other clients waited for Redis a third longer (1.9 instead of 1.4 ms, at most 9 instead of 7, beside
 * commits alone with AOF), and routing was no faster with AOF, 5 % without. With quarters it was 7 % slower, with and without;
 * and beside a router that works off a backlog nothing waited less, with sixths neither: there Redis waits for cores.
 */
export const CALL_LIMITS = { entries: 86, appends: 670, bytes: 1_000_000 } as const;

/**
 * A decision older than this when it is committed, in ms, is made again: its signal may have become too old while Redis or
 * this process was not running. So is one that is as far ahead of Redis' clock: the time it was made with is wrong.
 */
export const DECISION_MS_MAX = 2_000;

class CallBuilder<Item extends CommitItem> {
  readonly #keys: Keys;
  readonly #settings: CommitSettings;
  readonly #options: CommitCallOptions;
  readonly #items: Item[] = [];
  readonly #entryKeys: string[] = [];
  readonly #message = new MessageBuilder();

  constructor(keys: Keys, settings: CommitSettings, options: CommitCallOptions) {
    this.#keys = keys;
    this.#settings = settings;
    this.#options = options;
  }

  /** False when the call would be too large with this item; never for the first one. */
  add(item: Item): boolean {
    if (this.#items.length >= CALL_LIMITS.entries) return false;
    const checkpoint = this.#message.checkpoint();
    const entryKeyCount = this.#entryKeys.length;
    this.#write(item);
    const { appends, bytes } = this.#message;
    if (this.#items.length > 0 && (appends > CALL_LIMITS.appends || bytes > CALL_LIMITS.bytes)) {
      this.#message.rollBackTo(checkpoint);
      this.#entryKeys.length = entryKeyCount;
      return false;
    }
    this.#items.push(item);
    return true;
  }

  build(): CommitCall<Item> {
    const { fence, decidedOn, timing } = this.#options;
    const keys = this.#keys;
    const { dedupTtlMs } = this.#settings;
    const streams = this.#message.streams().map((stream) => keys.stream(stream));
    return {
      items: this.#items,
      keyNames: [
        keys.metrics,
        keys.referenceCurrent,
        keys.control,
        keys.stream(fence.kind === "group" ? fence.stream : "dead_letters"),
        ...streams,
        ...this.#entryKeys,
      ],
      settings: [
        fence.kind,
        fence.kind === "group" ? keys.group(fence.group) : "",
        decidedOn?.version ?? "",
        decidedOn?.epoch ?? "",
        decidedOn?.at ?? "",
        dedupTtlMs,
        dedupTtlMs,
        timing === undefined ? "" : `processing_ms:${timing}:`,
        streams.length,
      ],
      ...this.#message.pack(),
    };
  }

  #write(item: Item): void {
    const { effects } = item;
    const { claim } = effects;
    this.#message.addEntry({
      id: checkedId(item.id),
      fenceValue: this.#fenceValueOf(item),
      claimIndex: claim === undefined ? 0 : this.#claimIndexOf(claim),
      won: effects,
      // Few signals are duplicates: their branch is made only when it is asked for.
      lost: this.#options.branches === "won" ? undefined : claim?.ifLost,
    });
  }

  #claimIndexOf({ uid, also }: Claim): number {
    const index = this.#entryKeys.push(this.#keys.dedup(uid));
    if (also === undefined || also === uid) return index;
    this.#entryKeys.push(this.#keys.dedup(also));
    return -index;
  }

  #fenceValueOf({ id, deadLetterId }: Item): string | number {
    const { fence } = this.#options;
    switch (fence.kind) {
      case "group":
        return "";
      case "dead_letter":
        return checkedId(deadLetterId);
      case "once":
        return this.#entryKeys.push(this.#keys.done(fence.invocation, id));
    }
  }
}

function checkedId(id: string | undefined): string {
  if (id !== undefined && isEntryId(id)) return id;
  throw new EffectsError(`${JSON.stringify(id)} is not the id of an entry`);
}
