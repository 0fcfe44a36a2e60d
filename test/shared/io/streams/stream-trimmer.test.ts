import { describe, expect, it } from "vitest";
import { createGroup, ensureGroup } from "../../../../shared/io/streams/groups.ts";
import type { TrimmedStream } from "../../../../shared/io/streams/stream-trimmer.ts";
import { GROUPS, type GroupName } from "../../../../shared/keys.ts";
import { contentsOf, scriptAccess } from "../../../servers/redis-contents.ts";
import { HALF_OLD, numbers, ownTrimmer } from "./stream-trimmer-fixture.ts";

const OWN = GROUPS as readonly { readonly stream: TrimmedStream; readonly group: GroupName }[];

const fixture = ownTrimmer();
const { addAged, addGroup, trim, left } = fixture;

it("signal_results does not grow because of a notifier that no longer runs", async () => {
  await addAged("signal_results", [5, 5, 5, 1.5, 1.5, 1.5]);
  await addGroup("signal_results", "log_writer", { delivered: 6 });
  await addGroup("signal_results", "notifier", { delivered: 1, unacknowledged: [0] });
  expect(await trim("signal_results")).toMatchObject({ removed: 3, behind: [{ group: "notifier" }] });
  expect(await left("signal_results")).toStrictEqual(numbers(3, 6));
});

describe.each(OWN)("$stream", ({ stream, group }) => {
  it("loses what is older than the retention and acknowledged, and nothing younger", async () => {
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

  it("keeps what its own group will be delivered again after XGROUP SETID, even with a later entry pending", async () => {
    await addAged(stream, HALF_OLD);
    await addGroup(stream, group, { delivered: 6, unacknowledged: [5] });
    await fixture.redis.xgroup("SETID", fixture.keys.stream(stream), group, "0");
    expect(await trim(stream)).toMatchObject({ removed: 0 });
  });

  it("keeps nothing for its own group when that has acknowledged everything", async () => {
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

  it("keeps for its own group what a foreign group may lose", async () => {
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

  it("that does not exist, or is not a stream, does not change", async () => {
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

  it("keeps everything while its own group, which existed before, is missing", async () => {
    await addAged(stream, HALF_OLD);
    await createGroup(fixture.redis, fixture.keys, { stream, group, from: "$" });
    await fixture.redis.xgroup("DESTROY", fixture.keys.stream(stream), group);
    await fixture.redis.xgroup("CREATE", fixture.keys.stream(stream), "foreign", "$");
    expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
    await createGroup(fixture.redis, fixture.keys, { stream, group, from: "$" });
    expect(await trim(stream)).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("before the router's own group was ever created", () => {
  it.each(OWN.filter(({ group }) => group !== "strategy_executor"))(
    "nothing of $stream is removed, since none of it has been processed",
    async ({ stream, group }) => {
      await addAged(stream, HALF_OLD);
      expect(await trim(stream)).toStrictEqual({ removed: 0, behind: [{ group, state: "missing" }] });
      await ensureGroup(fixture.redis, fixture.keys, stream, group);
      expect(await trim(stream)).toMatchObject({ removed: 0, behind: [{ state: "keeps" }] });
    },
  );

  it("tasks are removed by age, since they may be for other services only", async () => {
    await addAged("strategy_input_stream", HALF_OLD);
    expect(await trim("strategy_input_stream")).toStrictEqual({ removed: 6, behind: [] });
  });
});

describe("while Redis is full", () => {
  const AGES = [...Array.from({ length: 6 }, () => 0.2), ...Array.from({ length: 6 }, () => 0.1)];

  it("what the router's groups have done with goes after 10 minutes instead of the retention", async () => {
    await addAged("signals_stream", AGES);
    await addGroup("signals_stream", "signal_processor", { delivered: 12, unacknowledged: [4] });
    expect(await fixture.trimmer.step("signals_stream")).toMatchObject({ removed: 0 });
    const { removed, behind } = await fixture.trimmer.step("signals_stream", { isFull: true });
    expect({ removed, behind }).toMatchObject({ removed: 3, behind: [{ state: "keeps" }] });
    expect(await left("signals_stream")).toStrictEqual(numbers(3, 12));
  });

  it("what another service's group still needs stays, as always", async () => {
    await addAged("signal_results", AGES);
    await addGroup("signal_results", "log_writer", { delivered: 12 });
    await addGroup("signal_results", "foreign", { delivered: 12, unacknowledged: [3] });
    expect(await fixture.trimmer.preview("signal_results", { isFull: true })).toMatchObject({ removable: 3 });
    expect(await fixture.trimmer.step("signal_results", { isFull: true })).toMatchObject({
      removed: 3,
      behind: [{ group: "foreign", state: "keeps" }],
    });
  });

  it("is asked of Redis, which refuses new work then", async () => {
    expect(await fixture.trimmer.isFull()).toBe(false);
    await fixture.redis.config("SET", "maxmemory", 1);
    expect(await fixture.trimmer.isFull()).toBe(true);
    await fixture.redis.config("SET", "maxmemory", 0);
  });
});
