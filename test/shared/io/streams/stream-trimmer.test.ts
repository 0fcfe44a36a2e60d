import { describe, expect, it } from "vitest";
import { createGroup, ensureGroup } from "../../../../shared/io/streams/groups.ts";
import type { TrimmedStream } from "../../../../shared/io/streams/stream-trimmer.ts";
import { GROUPS, type GroupName } from "../../../../shared/keys.ts";
import { contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { numbers, RETENTION_MS, useTrimmer } from "./stream-trimmer-fixture.ts";

const OWN = GROUPS as readonly { readonly stream: TrimmedStream; readonly group: GroupName }[];

/** Twelve entries, four nodes: half of them too old. */
const HALF_OLD = [...Array.from({ length: 6 }, () => 5), ...Array.from({ length: 6 }, () => 0.5)];

const fixture = useTrimmer();
const { addAged, addGroup, trim, left } = fixture;

it("signal_results does not grow for a notifier that nobody runs any more", async () => {
  await addAged("signal_results", [5, 5, 5, 1.5, 1.5, 1.5]);
  await addGroup("signal_results", "log_writer", { delivered: 6 });
  await addGroup("signal_results", "notifier", { delivered: 1, unacknowledged: [0] });
  expect(await trim("signal_results")).toMatchObject({ removed: 3, behind: [{ group: "notifier" }] });
  expect(await left("signal_results")).toStrictEqual(numbers(3, 6));
});

describe.each(OWN)("$stream", ({ stream, group }) => {
  it("loses what is older than the retention and worked on, and nothing younger", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 12 });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
    expect(await left(stream)).toStrictEqual(numbers(6, 12));
  });

  it("keeps what its own group has not been delivered yet, for ever", async () => {
    const ids = await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 3 });
    const trimmed = await trim(stream);
    expect(trimmed).toStrictEqual({ removed: 3, behind: [{ group, state: "keeps", from: ids[3] }] });
    expect(await left(stream)).toStrictEqual(numbers(3, 12));
  });

  it("keeps what is pending in its own group, for ever, and everything after it", async () => {
    const ids = await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 12, unacknowledged: [4] });
    const trimmed = await trim(stream);
    expect(trimmed).toStrictEqual({ removed: 3, behind: [{ group, state: "keeps", from: ids[4] }] });
    expect(await left(stream)).toStrictEqual(numbers(3, 12));
  });

  it("keeps what its own group is to be delivered again after XGROUP SETID, even with a later entry pending", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 6, unacknowledged: [5] });
    await fixture.redis.xgroup("SETID", fixture.keys.stream(stream), group, "0");
    expect(await trim(stream)).toMatchObject({ removed: 0 });
  });

  it("does not keep anything for its own group when it has done all there is", async () => {
    await addAged(stream, [5, 5, 5, 5, 5, 5]);
    await addGroup(stream, group, { delivered: 6 });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
  });

  it("keeps entries of a foreign group for twice the retention", async () => {
    const ids = await addAged(stream, [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 0.5]);
    await addGroup(stream, group, { delivered: 7 });
    await addGroup(stream, "foreign", { delivered: 3 });
    const trimmed = await trim(stream);
    expect(trimmed.behind).toStrictEqual([{ group: "foreign", state: "keeps", from: ids[3] }]);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("loses entries of a foreign group after twice the retention, pending ones as well, and names it", async () => {
    const ids = await addAged(stream, [5, 5, 5, 1.5, 1.5, 1.5, 0.5]);
    await addGroup(stream, group, { delivered: 7 });
    await addGroup(stream, "foreign", { delivered: 2, unacknowledged: [0] });
    const step = await fixture.trimmer.step(stream);
    expect(step).toStrictEqual({
      removed: 3,
      behind: [{ group: "foreign", state: "loses", from: ids[0] }],
    });
    await trim(stream);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("keeps for its own group what a foreign one may lose", async () => {
    const ids = await addAged(stream, [9, 9, 9, 5, 5, 5, 0.5]);
    await addGroup(stream, group, { delivered: 3 });
    await addGroup(stream, "foreign", { delivered: 0 });
    const step = await fixture.trimmer.step(stream);
    expect(step.removed).toBe(3);
    expect(step.behind).toHaveLength(2);
    expect(step.behind).toContainEqual({ group, state: "keeps", from: ids[3] });
    expect(step.behind).toContainEqual({ group: "foreign", state: "loses", from: ids[0] });
    await trim(stream);
    expect(await left(stream)).toStrictEqual(numbers(3, 7));
  });

  it("is not there yet, or is something else: nothing happens", async () => {
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [] });
    await fixture.redis.set(fixture.keys.stream(stream), "x");
    const before = await contentsOf(fixture.redis, fixture.keys.prefix);
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [] });
    expect(await contentsOf(fixture.redis, fixture.keys.prefix)).toStrictEqual(before);
  });

  it("is trimmed by a script that touches only the keys it declares", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 7, unacknowledged: [6] });
    const access = await scriptAccess(fixture.redis, fixture.keys.prefix, () => trim(stream));
    expect(access.undeclared).toStrictEqual([]);
    expect(access.touched).toBeGreaterThan(5);
  });

  it("keeps everything while its own group, which once was there, has gone", async () => {
    await addAged(stream, HALF_OLD);
    await createGroup(fixture.redis, fixture.keys, { stream, group, from: "$" });
    await fixture.redis.xgroup("DESTROY", fixture.keys.stream(stream), group);
    await fixture.redis.xgroup("CREATE", fixture.keys.stream(stream), "foreign", "$");
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
    await createGroup(fixture.redis, fixture.keys, { stream, group, from: "$" });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("before the router's own group was ever made", () => {
  it.each(OWN.filter(({ group }) => group !== "strategy_executor"))(
    "nothing of $stream is removed: none of it has been worked on",
    async ({ stream, group }) => {
      await addAged(stream, HALF_OLD);
      expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
      await ensureGroup(fixture.redis, fixture.keys, stream, group);
      expect(await trim(stream)).toMatchObject({ removed: 0, behind: [{ state: "keeps" }] });
    },
  );

  it("tasks are removed by age, since they may be there for others only", async () => {
    await addAged("strategy_input_stream", HALF_OLD);
    expect(await trim("strategy_input_stream")).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("entry ids", () => {
  it("beyond what a number holds exactly are told apart", async () => {
    const key = fixture.keys.stream("signals_stream");
    // They differ in the last of 20 digits only; doubles would take them for equal.
    const sequences = [1, 2, 3, 4].map((n) => `${fixture.now - 5 * RETENTION_MS}-1844674407370955160${n}`);
    for (const id of sequences) await fixture.redis.xadd(key, id, "n", 0);
    const [first = "", second = ""] = sequences;
    await fixture.redis.xgroup("CREATE", key, "signal_processor", sequences[2] ?? "");
    // Pending is the last one, and to be delivered again is what comes after the first.
    await fixture.redis.call(
      ...(["XREADGROUP", "GROUP", "signal_processor", "c", "STREAMS", key, ">"] as const),
    );
    await fixture.redis.xgroup("SETID", key, "signal_processor", first);
    expect(await trim("signals_stream")).toStrictEqual({
      removed: 0,
      behind: [{ group: "signal_processor", state: "keeps", from: second }],
    });
  });

  it("are compared as numbers, not as text", async () => {
    const key = fixture.keys.stream("signals_stream");
    for (const id of ["9-9", "9-10", "10-0", "10-1", "11-0", "100-0"])
      await fixture.redis.xadd(key, id, "n", 0);
    await fixture.redis.xgroup("CREATE", key, "signal_processor", "$");
    await fixture.redis.xgroup("CREATE", key, "a", "9-9");
    await fixture.redis.xgroup("CREATE", key, "strategy_executor", "10-1");
    const step = await fixture.trimmer.step("signals_stream");
    expect(step.behind).toStrictEqual([
      { group: "a", state: "loses", from: "9-10" },
      { group: "strategy_executor", state: "loses", from: "11-0" },
    ]);
  });

  it("of the very last kind stop nothing", async () => {
    const key = fixture.keys.stream("signals_stream");
    await addAged("signals_stream", [5, 5, 5]);
    await fixture.redis.xadd(key, "18446744073709551615-18446744073709551615", "n", 3);
    await addGroup("signals_stream", "signal_processor", { delivered: 4 });
    expect(await trim("signals_stream")).toStrictEqual({ removed: 3, behind: [] });
  });
});
