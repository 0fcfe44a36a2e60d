import * as fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Claim } from "../../../../shared/claim.ts";
import type { CommitItem, CommitOptions } from "../../../../shared/commit.ts";
import type { Fields } from "../../../../shared/entry.ts";
import { HOLDER, type Append, type Branch, type Effects } from "../../../../shared/function.ts";
import { commitOn } from "../../../../shared/io/commit/commit.ts";
import { keysOf, type Keys } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { addEntries, connectRedis, entriesIn, fieldsIn } from "../../../servers/redis-contents.ts";

/** Any sequence of commits does to Redis what it does to a few sets and maps. Those whose claim is lost come last. */

const ENTRIES = 8;
const STREAMS = ["strategy_input_stream", "signal_results"] as const;
const VERSION = "v1";

/** A commit of some of the entries, by number; `letter` is the number of the dead letter that fences it. */
interface Step {
  readonly fence: "group" | "dead_letter" | "once:a" | "once:b";
  readonly items: readonly { readonly entry: number; readonly letter: number; readonly effects: Effects }[];
  readonly version: string | undefined;
}

class Model {
  readonly pending: Set<string>;
  readonly letters: Set<string>;
  readonly done = new Set<string>();
  readonly holders = new Map<string, string>();
  readonly streams: Record<(typeof STREAMS)[number], Fields[]> = {
    strategy_input_stream: [],
    signal_results: [],
  };
  readonly counters: Record<string, string> = {};

  constructor(ids: readonly string[], letters: readonly string[]) {
    this.pending = new Set(ids);
    this.letters = new Set(letters);
  }

  commit(items: readonly CommitItem[], { fence, decidedOn }: CommitOptions): readonly string[] {
    if (decidedOn !== undefined && decidedOn.version !== VERSION) return ["stale"];
    const isLost = ({ id, effects }: CommitItem): boolean => {
      const holder = effects.claim && this.#holderOf(effects.claim, id);
      return holder !== undefined && holder !== id;
    };
    const lost: CommitItem[] = [];
    const outcomes: string[] = [];
    for (const item of items) {
      if (isLost(item)) lost.push(item);
      else outcomes.push(this.#settle(item, fence));
    }
    return [...outcomes, ...lost.map((item) => this.#settle(item, fence))];
  }

  #settle({ id, deadLetterId = "", effects }: CommitItem, fence: CommitOptions["fence"]): string {
    if (!this.#wins(fence, id, deadLetterId)) return "fenced";
    if (effects.claim === undefined) return this.#apply(effects, "applied");
    const holder = this.#holderOf(effects.claim, id);
    if (holder === id) return "held";
    if (holder !== undefined) return this.#apply(effects.claim.ifLost, "duplicate", holder);
    const { uid, also = uid } = effects.claim;
    this.holders.set(uid, id).set(also, id);
    return this.#apply(effects, "applied");
  }

  /** Of the entry itself if it holds one of the uids. */
  #holderOf({ uid, also = uid }: Claim, id: string): string | undefined {
    const [first, second] = [this.holders.get(uid), this.holders.get(also)];
    return first === id || second === id ? id : (first ?? second);
  }

  #wins(fence: CommitOptions["fence"], id: string, deadLetterId: string): boolean {
    if (fence.kind === "group") return this.pending.delete(id);
    if (fence.kind === "dead_letter") return this.letters.delete(deadLetterId);
    const doneKey = `${fence.invocation} ${id}`;
    if (this.done.has(doneKey)) return false;
    this.done.add(doneKey);
    return true;
  }

  #apply({ append, count }: Branch, outcome: string, holder?: string): string {
    const filled = (fields: Fields): Fields =>
      Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          name,
          holder === undefined ? value : value.replace(HOLDER, holder),
        ]),
      );
    for (const { stream, each = [{}], fields } of append) {
      const entries = this.streams[stream as (typeof STREAMS)[number]];
      for (const element of each) entries.push({ ...filled(element), ...filled(fields) });
    }
    for (const name of count) this.counters[name] = String(Number(this.counters[name] ?? 0) + 1);
    return outcome;
  }
}

const value = fc.oneof(
  fc.constantFrom(HOLDER, `a ${HOLDER} ${HOLDER} b`, "%", ""),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const append: fc.Arbitrary<Append> = fc.oneof(
  fc.record({ stream: fc.constantFrom(...STREAMS), fields: fc.record({ a: value, b: value }) }),
  fc.record({
    stream: fc.constantFrom(...STREAMS),
    each: fc.array(fc.record({ element: value }), { maxLength: 3 }),
    fields: fc.oneof(fc.constant({}), fc.record({ a: value })),
  }),
);
const branch: fc.Arbitrary<Branch> = fc.record({
  append: fc.array(append, { maxLength: 3 }),
  count: fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 4 }),
});
const effects: fc.Arbitrary<Effects> = fc
  .tuple(
    branch,
    fc.option(
      fc.record({
        uid: fc.constantFrom("u1", "u2", "u3"),
        also: fc.constantFrom(undefined, "u1", "u2", "u3"),
        ifLost: branch,
      }),
      { nil: undefined },
    ),
  )
  .map(([won, claim]) => (claim === undefined ? won : { ...won, claim }));
const step: fc.Arbitrary<Step> = fc.record({
  fence: fc.constantFrom("group", "dead_letter", "once:a", "once:b"),
  items: fc.array(fc.record({ entry: fc.nat(ENTRIES - 1), letter: fc.nat(ENTRIES - 1), effects }), {
    maxLength: 6,
  }),
  version: fc.constantFrom(undefined, undefined, VERSION, "v0"),
});

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());

async function seed(keys: Keys): Promise<{ ids: string[]; letters: string[] }> {
  const stream = keys.stream("signals_stream");
  const ids = await addEntries(redis, stream, ENTRIES);
  const letters = await addEntries(redis, keys.stream("dead_letters"), ENTRIES);
  await redis.xgroup("CREATE", stream, "signal_processor", "0");
  await redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", stream, ">");
  await redis.set(keys.referenceCurrent, VERSION);
  return { ids, letters };
}

function optionsOf({ fence, version }: Step): CommitOptions {
  const [kind, invocation = ""] = fence.split(":");
  const decidedOn = version === undefined ? {} : { decidedOn: { version, epoch: "0" } };
  if (kind === "once") return { fence: { kind, invocation }, ...decidedOn };
  if (kind === "dead_letter") return { fence: { kind }, ...decidedOn };
  return { fence: { kind: "group", stream: "signals_stream", group: "signal_processor" }, ...decidedOn };
}

it("commits in any order, repeated in any way, do what the model does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const keys = keysOf(freshPrefix());
      const { ids, letters } = await seed(keys);
      const commit = commitOn(redis, keys, { dedupTtlMs: 60_000 });
      const model = new Model(ids, letters);
      for (const one of steps) {
        const items = one.items.map(({ entry, letter, effects: wanted }) => ({
          id: ids[entry] ?? "",
          deadLetterId: letters[letter] ?? "",
          effects: wanted,
        }));
        const options = optionsOf(one);
        const outcomes = (await commit(items, options)).flatMap(({ answer }): readonly string[] =>
          answer.status === "committed" ? answer.outcomes : [answer.status],
        );
        expect(outcomes).toStrictEqual(items.length === 0 ? [] : model.commit(items, options));
      }

      for (const stream of STREAMS) {
        expect(await fieldsIn(redis, keys.stream(stream))).toStrictEqual(model.streams[stream]);
      }
      expect(await redis.hgetall(keys.metrics)).toStrictEqual(model.counters);
      const pending = await redis.xpending(keys.stream("signals_stream"), "signal_processor", "-", "+", 100);
      expect(pending.map((row) => String((row as unknown[])[0]))).toStrictEqual([...model.pending]);
      const left = await entriesIn(redis, keys.stream("dead_letters"));
      expect(left.map(({ id }) => id)).toStrictEqual([...model.letters]);
      for (const uid of ["u1", "u2", "u3"])
        expect(await redis.get(keys.dedup(uid))).toBe(model.holders.get(uid) ?? null);
    }),
    { numRuns: 150 },
  );
});
