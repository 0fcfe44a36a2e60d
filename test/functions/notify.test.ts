import { describe, expect, test } from "vitest";
import { notify, type NotifyPorts } from "../../functions/notify.ts";
import type { Entry } from "../../shared/entry.ts";
import { assertAnswersEach, type Result } from "../../shared/function.ts";
import { outcomeEntry, signalEntry } from "../records.ts";

const failure = (id: number): Entry => outcomeEntry({ status: "failed", strategy_id: id }, { id: `${id}-0` });
const success = (id: number): Entry => outcomeEntry({ strategy_id: id }, { id: `${id}-0` });

/** Ports that note the strategies whose outcomes are sent. */
function portsOf(changes: Partial<NotifyPorts> = {}): { ports: NotifyPorts; sent: number[] } {
  const sent: number[] = [];
  const ports: NotifyPorts = {
    statuses: new Set(["failed"]),
    offer: () => true,
    async send({ strategy_id }) {
      sent.push(strategy_id);
      return true;
    },
    stopping: new AbortController().signal,
    ...changes,
  };
  return { ports, sent };
}

async function groupsOf(entries: readonly Entry[], ports: NotifyPorts): Promise<string[][]> {
  const groups: Result[][] = [];
  for await (const answer of notify(entries, ports)) {
    if ("status" in answer) throw new Error(`${answer.what} is never needed`);
    groups.push([...answer]);
  }
  assertAnswersEach(entries, groups.flat());
  return groups.map((results) => results.map(({ id, status }) => `${id} ${status}`));
}

describe("notify", () => {
  test("sends the outcomes asked for, in order, and is done with every entry", async () => {
    const { ports, sent } = portsOf();
    const nothing = { id: "4-0", fields: { kind: "nonsense" } };
    const entries = [failure(1), success(2), failure(3), nothing, signalEntry({}, { id: "5-0" })];
    const groups = await groupsOf(entries, ports);
    expect(sent).toEqual([1, 3]);
    expect(groups.flat()).toEqual(["1-0 done", "2-0 done", "3-0 done", "4-0 done", "5-0 done"]);
  });

  test("what is finished is yielded before anything is sent, so that it does not wait for the receiver", async () => {
    const { ports } = portsOf();
    expect(await groupsOf([success(1), success(2), failure(3), failure(4)], ports)).toEqual([
      ["1-0 done", "2-0 done"],
      ["3-0 done"],
      ["4-0 done"],
    ]);
  });

  test("what is not to be sent by itself is done at once", async () => {
    const { ports, sent } = portsOf({ offer: ({ strategy_id }) => strategy_id === 1 });
    expect(await groupsOf([failure(1), failure(2), failure(3)], ports)).toHaveLength(1);
    expect(sent).toEqual([1]);
  });

  test("every outcome of a decision is sent before its entry is done", async () => {
    const outcomes = [1, 2, 3].map((id) => ({
      strategy_id: id,
      strategy: `strategy ${id}`,
      status: "ignored" as const,
      reason: "paused",
      detail: {},
    }));
    const { ports, sent } = portsOf({ statuses: new Set(["ignored"]) });
    expect(await groupsOf([signalEntry({ outcomes })], ports)).toEqual([["9-0 done"]]);
    expect(sent).toEqual([1, 2, 3]);
  });

  test("what a stop keeps from being sent is left to the next process, and is no error", async () => {
    const stop = new AbortController();
    const started: number[] = [];
    const send = async ({ strategy_id }: { strategy_id: number }): Promise<boolean> => {
      started.push(strategy_id);
      if (strategy_id < 2) return true;
      stop.abort();
      return false;
    };
    const { ports } = portsOf({ send, stopping: stop.signal });
    const entries = [failure(1), failure(2), failure(3), success(4)];
    expect((await groupsOf(entries, ports)).flat()).toEqual([
      "1-0 done",
      "2-0 retry",
      "3-0 retry",
      "4-0 done",
    ]);
    expect(started).toEqual([1, 2]);
    for await (const results of notify([failure(2)], ports)) {
      expect(results).toMatchObject([{ status: "retry", expected: true }]);
    }
  });
});
