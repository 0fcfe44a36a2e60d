import { isEntryId } from "../entry.ts";
import type { Append, Branch } from "../function.ts";
import type { Keys, StreamName } from "../keys.ts";
import type { CommitItem, CommitOptions, CommitSettings } from "./commit.ts";

/** Limits of one call, so that Redis is never blocked for long. A single entry beyond them goes alone. */
export const CALL_LIMITS = { entries: 128, appends: 1_000, bytes: 1_000_000 } as const;

/** Lua cannot unpack more than some 8,000 values at once, and an error in mid-script would lose entries. */
const APPEND_ARGS_MAX = 1_000;

/**
 * A decision that comes to its commit later than this, in ms, is made again: its signal may have become too old while
 * Redis stood still, or this process.
 */
export const DECISION_MS_MAX = 2_000;

/** Effects that cannot be committed as they are, now or later: whoever made them has a flaw. */
export class EffectsError extends Error {
  override readonly name = "EffectsError";
}

/** The keys and arguments of one call of the commit script. */
export interface CommitCall {
  readonly keyNames: readonly string[];
  readonly args: readonly (string | number)[];
}

/** The items in order, cut into calls within {@link CALL_LIMITS}. */
export function splitCommit<Item extends CommitItem>(items: readonly Item[]): Item[][] {
  const calls: Item[][] = [];
  let call: Item[] = [];
  let appends = 0;
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const full =
      call.length >= CALL_LIMITS.entries ||
      appends + size.appends > CALL_LIMITS.appends ||
      bytes + size.bytes > CALL_LIMITS.bytes;
    if (full && call.length > 0) {
      calls.push(call);
      call = [];
      appends = 0;
      bytes = 0;
    }
    call.push(item);
    appends += size.appends;
    bytes += size.bytes;
  }
  if (call.length > 0) calls.push(call);
  return calls;
}

/** Appends of the larger branch, and roughly the bytes both branches are sent with. */
function sizeOf({ effects }: CommitItem): { appends: number; bytes: number } {
  const won = branchSize(effects);
  if (effects.claim === undefined) return won;
  const lost = branchSize(effects.claim.ifLost);
  return { appends: Math.max(won.appends, lost.appends), bytes: won.bytes + lost.bytes };
}

function branchSize(branch: Branch): { appends: number; bytes: number } {
  let appends = 0;
  let bytes = 0;
  for (const append of branch.append) {
    appends += append.each?.length ?? 1;
    for (const name in append.fields) bytes += name.length + (append.fields[name]?.length ?? 0);
    for (const own of append.each ?? []) {
      for (const name in own) bytes += name.length + (own[name]?.length ?? 0);
    }
  }
  return { appends, bytes };
}

/**
 * Keys and arguments in the layout the script's header describes.
 * @throws Error when an item is malformed: found out in mid-script it would lose entries, since Lua does not roll back.
 */
export function encodeCommit(
  items: readonly CommitItem[],
  keys: Keys,
  settings: CommitSettings,
  options: CommitOptions,
): CommitCall {
  const { fence, decidedOn, timing } = options;
  const targets = indexed();
  const counters = indexed();
  const entryKeys: string[] = [];
  for (const { effects } of items) {
    collect(effects, targets, counters);
    if (effects.claim !== undefined) collect(effects.claim.ifLost, targets, counters);
  }
  const targetNames = targets.names() as StreamName[];
  const source = fence.kind === "group" ? fence.stream : "dead_letters";
  const fixedKeys = [keys.metrics, keys.referenceCurrent, keys.control, keys.stream(source)];
  const entryKeyBase = fixedKeys.length + targetNames.length;
  const keyIndex = (name: string): number => entryKeyBase + entryKeys.push(name);

  const args: (string | number)[] = [
    fence.kind,
    fence.kind === "group" ? fence.group : "",
    decidedOn?.version ?? "",
    decidedOn?.epoch ?? "",
    decidedOn?.at === undefined ? "" : decidedOn.at + DECISION_MS_MAX,
    settings.dedupTtlMs,
    settings.dedupTtlMs,
    timing === undefined ? "" : `processing_ms:${timing}:`,
    targetNames.length,
    counters.names().length,
    ...counters.names(),
    items.length,
  ];
  for (const { id, deadLetterId, effects } of items) {
    const { claim } = effects;
    assertEntryId(id);
    if (fence.kind === "dead_letter") assertEntryId(deadLetterId);
    const mark = fence.kind === "once" ? keyIndex(keys.done(fence.invocation, id)) : (deadLetterId ?? "");
    args.push(id, mark, claim === undefined ? 0 : keyIndex(keys.dedup(claim.uid)));
    pushBranch(args, effects, targets, counters, fixedKeys.length);
    if (claim !== undefined) pushBranch(args, claim.ifLost, targets, counters, fixedKeys.length);
  }
  return { keyNames: [...fixedKeys, ...targetNames.map((name) => keys.stream(name)), ...entryKeys], args };
}

function assertEntryId(id: string | undefined): void {
  if (id !== undefined && isEntryId(id)) return;
  throw new EffectsError(`${JSON.stringify(id)} is not the id of an entry`);
}

interface Indexed {
  /** 1-based place of the name, given to it at first sight. */
  indexOf(name: string): number;
  names(): string[];
}

function indexed(): Indexed {
  const places = new Map<string, number>();
  return {
    indexOf(name) {
      const known = places.get(name);
      if (known !== undefined) return known;
      places.set(name, places.size + 1);
      return places.size;
    },
    names: () => [...places.keys()],
  };
}

function collect(branch: Branch, targets: Indexed, counters: Indexed): void {
  for (const { stream } of branch.append) targets.indexOf(stream);
  for (const counter of branch.count) counters.indexOf(counter);
  for (const counter in branch.sum) counters.indexOf(counter);
}

function pushBranch(
  args: (string | number)[],
  branch: Branch,
  targets: Indexed,
  counters: Indexed,
  keysBefore: number,
): void {
  const sizeAt = args.push(0) - 1;
  args.push(branch.append.length);
  for (const append of branch.append) pushAppend(args, append, keysBefore + targets.indexOf(append.stream));
  for (const counter of branch.count) args.push(counters.indexOf(counter));
  for (const counter in branch.sum)
    args.push(`${counters.indexOf(counter)}+${amountOf(branch.sum[counter])}`);
  args[sizeAt] = args.length - 1 - sizeAt;
}

function pushAppend(args: (string | number)[], { fields, each }: Append, stream: number): void {
  const own = each?.[0] === undefined ? [] : Object.keys(each[0]);
  const headerAt = args.push(stream, each?.length ?? 1, own.length * 2, 0) - 1;
  for (const variant of each ?? []) {
    for (const name of own) args.push(name, variant[name] ?? missing(name));
    if (Object.keys(variant).length !== own.length) missing(Object.keys(variant).join(", "));
  }
  const sharedAt = args.length;
  for (const name in fields) args.push(name, fields[name] ?? "");
  const shared = args.length - sharedAt;
  const count = shared / 2 + own.length;
  if (count === 0 && each?.length !== 0) throw new EffectsError("an entry without fields cannot be appended");
  if (count * 2 > APPEND_ARGS_MAX) {
    throw new EffectsError(
      `an append of ${count} fields is more than the commit takes (${APPEND_ARGS_MAX / 2})`,
    );
  }
  args[headerAt] = shared;
}

function amountOf(amount: number | undefined): number {
  if (amount !== undefined && Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new EffectsError(`a counter cannot be raised by ${amount}`);
}

function missing(names: string): never {
  throw new EffectsError(`elements of one append have different fields (${names})`);
}
