import { expect, it } from "vitest";
import { processBatch } from "../../../runner/engine/process-batch.ts";
import type { CommitAnswer } from "../../../shared/commit.ts";
import {
  entries,
  onceOnly,
  answering,
  committed,
  blocked,
  stale,
  mistimed,
  decidedOn,
  early,
  depsWith,
  options,
} from "./process-batch-fixture.ts";

it("what a commit has not answered is committed again, without asking the function again", async () => {
  const { binding, runs } = onceOnly();
  const { commit, given } = answering([() => [committed(1)], () => [committed(2)]]);
  const reporters: string[] = [];
  const { processed } = await processBatch(binding, entries, depsWith(commit, reporters), options);
  expect(processed.map(({ id, status }) => `${id} ${status}`)).toStrictEqual(
    ["1-0", "2-0", "3-0"].map((id) => `${id} committed`),
  );
  expect(given).toStrictEqual([
    ["1-0", "2-0", "3-0"],
    ["2-0", "3-0"],
  ]);
  expect(runs).toStrictEqual([["1-0", "2-0", "3-0"]]);
  expect(reporters).toStrictEqual([]);
});

it("what is blocked is tried again alone, and said once it is all there is", async () => {
  const { binding, runs } = onceOnly();
  const { commit, given } = answering([
    () => [committed(1), [2, blocked]],
    () => [[2, blocked]],
    () => [committed(2)],
  ]);
  const reporters: string[] = [];
  const { processed } = await processBatch(binding, entries, depsWith(commit, reporters), options);
  expect(processed).toHaveLength(3);
  expect(given.map((ids) => ids.length)).toStrictEqual([3, 2, 2]);
  expect(runs).toHaveLength(1);
  expect(reporters).toStrictEqual([expect.stringContaining("metrics is a string, expected a hash")]);
});

it("only what was decided on something outdated is decided again", async () => {
  const { binding, runs, forgotten } = onceOnly();
  const { commit } = answering([() => [committed(2), [1, stale]], () => [committed(1)]]);
  const { processed } = await processBatch(binding, entries, depsWith(commit, []), options);
  expect(processed.map(({ id }) => id)).toStrictEqual(["1-0", "2-0", "3-0"]);
  expect(runs).toStrictEqual([["1-0", "2-0", "3-0"], ["3-0"]]);
  expect(forgotten()).toBe(1);
});

it("what was decided at a wrong time is decided again only after a sample of the clock, on the same snapshot", async () => {
  const { binding, runs, forgotten } = onceOnly();
  const steps: string[] = [];
  const { commit } = answering([
    () => [committed(1), [2, { ...mistimed(3_600_000), version: "v1" }]],
    () => [[2, { ...mistimed(-3_600_000), version: "v1" }]],
    () => [committed(2)],
  ]);
  const deps = depsWith(commit, []);
  const sample = async (): Promise<void> => {
    await Promise.resolve();
    steps.push(`sampled after ${runs.length} runs`);
  };
  const { processed } = await processBatch(
    decidedOn(binding, { version: "v1", epoch: "0", at: 0 }),
    entries,
    { ...deps, clock: { ...deps.clock, sample } },
    options,
  );
  expect(processed).toHaveLength(3);
  expect(runs).toHaveLength(3);
  expect(steps).toStrictEqual(["sampled after 1 runs", "sampled after 2 runs"]);
  expect(forgotten()).toBe(0);
});

it("of a clock that stays wrong, the report says by how much, and the attempts pause", async () => {
  const { binding, runs } = onceOnly();
  const reporters: string[] = [];
  const wrong = (): [number, CommitAnswer][] => [[3, mistimed(7_200_000)]];
  const { commit } = answering([...Array.from({ length: 5 }, () => wrong), () => [committed(3)]]);
  const { processed } = await processBatch(binding, entries, depsWith(commit, reporters), options);
  expect(processed).toHaveLength(3);
  expect(runs).toHaveLength(6);
  expect(reporters).toStrictEqual([expect.stringContaining("7200000 ms ahead of Redis' clock")]);
});

it("what was early is committed again, without asking the function again or a word of trouble", async () => {
  const { binding, runs, forgotten } = onceOnly();
  const { commit, given } = answering([
    () => [committed(1), [2, early]],
    () => [[2, early]],
    () => [committed(2)],
  ]);
  const reporters: string[] = [];
  const { processed } = await processBatch(binding, entries, depsWith(commit, reporters), options);
  expect(processed.map(({ id }) => id)).toStrictEqual(["1-0", "2-0", "3-0"]);
  expect(given.map((ids) => ids.length)).toStrictEqual([3, 2, 2]);
  expect([runs.length, forgotten(), reporters]).toStrictEqual([1, 0, []]);
});
