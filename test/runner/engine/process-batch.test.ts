import { expect, it } from "vitest";
import { processBatch } from "../../../runner/engine/process-batch.ts";
import {
  entries,
  onceOnly,
  answering,
  committed,
  blocked,
  stale,
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
