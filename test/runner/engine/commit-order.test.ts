import { setImmediate as everythingElse } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { openCommitOrder, type CommitSlot } from "../../../runner/engine/commit-order.ts";

describe("a slot in a sequence", () => {
  const ALL = { calls: 1, isLast: true };
  const SOME = { calls: 1, isLast: false };

  /** Two slots, the second behind the first. */
  function twoSlots(): [CommitSlot, CommitSlot] {
    const sequence = openCommitOrder("sequence");
    return [sequence.nextSlot(), sequence.nextSlot()];
  }

  /** Whether it is settled when all that waits for no I/O has happened. */
  async function isSettled(promise: Promise<unknown>): Promise<boolean> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await everythingElse();
    return settled;
  }

  it("that is the first has its turn at once and comes behind nothing", async () => {
    const turn = await openCommitOrder("sequence").nextSlot().waitTurn(ALL);
    expect([turn.key, turn.follows, turn.labels.length]).toStrictEqual(["sequence", "", 1]);
  });

  it("comes behind the last call of the one before, once that is on its way and not sooner", async () => {
    const [first, second] = twoSlots();
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    const { labels, onSent } = await first.waitTurn({ calls: 3, isLast: true });
    expect(await isSettled(waiting)).toBe(false);
    onSent();
    expect((await waiting).follows).toBe(labels[2]);
  });

  it("comes behind the one before also when that was on its way already", async () => {
    const [first, second] = twoSlots();
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect((await second.waitTurn(ALL)).follows).toBe(labels[0]);
  });

  it("waits for what the one before sends last, however often that sends something", async () => {
    const [first, second] = twoSlots();
    const waiting = second.waitTurn(ALL);
    (await first.waitTurn(SOME)).onSent();
    (await first.waitTurn(SOME)).onSent();
    expect(await isSettled(waiting)).toBe(false);
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect((await waiting).follows).toBe(labels[0]);
  });

  it("waits for the end of the one before if that never says that it has sent all, and then comes behind nothing", async () => {
    const [first, second] = twoSlots();
    const waiting = second.waitTurn(ALL);
    (await first.waitTurn(SOME)).onSent();
    expect(await isSettled(waiting)).toBe(false);
    first.end({ aborted: false });
    expect((await waiting).follows).toBe("");
  });

  it("whose first turn failed waits for the end of the one before, and then comes behind nothing", async () => {
    const [first, second] = twoSlots();
    (await first.waitTurn(ALL)).onSent();
    (await second.waitTurn(ALL)).onSent();
    const again = second.waitTurn(ALL);
    expect(await isSettled(again)).toBe(false);
    first.end({ aborted: false });
    expect((await again).follows).toBe("");
    expect((await second.waitTurn(ALL)).follows).toBe("");
  });

  it("comes behind what the one before sends again, once its first turn has failed", async () => {
    const [first, second] = twoSlots();
    const failed = await first.waitTurn(ALL);
    failed.onSent();
    const again = await first.waitTurn(ALL);
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    again.onSent();
    expect((await waiting).follows).toBe(again.labels[0]);
    expect(again.labels).not.toStrictEqual(failed.labels);
  });

  it("comes behind nothing when the one before ends instead of sending again", async () => {
    const [first, second] = twoSlots();
    (await first.waitTurn(ALL)).onSent();
    await first.waitTurn(ALL);
    const waiting = second.waitTurn(ALL);
    expect(await isSettled(waiting)).toBe(false);
    first.end({ aborted: false });
    expect((await waiting).follows).toBe("");
  });

  it.each(["sent all", "sent nothing"])(
    "comes behind nothing when the one before has ended and had %s",
    async (what) => {
      const [first, second] = twoSlots();
      if (what === "sent all") (await first.waitTurn(ALL)).onSent();
      first.end({ aborted: false });
      expect((await second.waitTurn(ALL)).follows).toBe("");
    },
  );

  it("comes behind the nearest one that sends something, also when that had to wait itself", async () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    const waiting = third.waitTurn(ALL);
    const { labels, onSent } = await first.waitTurn(ALL);
    onSent();
    expect(await isSettled(waiting)).toBe(false);
    second.end({ aborted: false });
    expect((await waiting).follows).toBe(labels[0]);
  });

  it("comes behind one that has ended as long as another before that has not", async () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    (await first.waitTurn(ALL)).onSent();
    const { labels, onSent } = await second.waitTurn(ALL);
    onSent();
    second.end({ aborted: false });
    expect((await third.waitTurn(ALL)).follows).toBe(labels[0]);
    const again = third.waitTurn(ALL);
    expect(await isSettled(again)).toBe(false);
    first.end({ aborted: false });
    expect((await again).follows).toBe("");
  });

  it("knows that one before it was aborted, until it has ended itself", () => {
    const sequence = openCommitOrder("sequence");
    const [first, second, third] = [sequence.nextSlot(), sequence.nextSlot(), sequence.nextSlot()];
    expect([second, third].map((slot) => slot.isBehindAborted())).toStrictEqual([false, false]);
    second.end({ aborted: false });
    first.end({ aborted: true });
    expect(third.isBehindAborted()).toBe(true);
    expect(sequence.nextSlot().isBehindAborted()).toBe(false);
    third.end({ aborted: false });
    expect(third.isBehindAborted()).toBe(false);
  });

  it("gives each call a label of its own, which no other sequence under that key has", async () => {
    const labels: string[] = [];
    for (const sequence of [openCommitOrder("sequence"), openCommitOrder("sequence")]) {
      for (const slot of [sequence.nextSlot(), sequence.nextSlot()]) {
        for (const calls of [3, 1]) {
          const turn = await slot.waitTurn({ calls, isLast: true });
          turn.onSent();
          expect(turn.labels).toHaveLength(calls);
          labels.push(...turn.labels);
        }
        slot.end({ aborted: false });
      }
    }
    expect(labels).toHaveLength(16);
    expect(new Set(labels).size).toBe(16);
    expect(labels).not.toContain("");
  });
});
