import { expect, test } from "vitest";
import { circlesIn } from "./imports.ts";

test("circles of any length are found, each once", () => {
  const a = ["a", ["b", "x"]] as const;
  const graph = new Map<string, readonly string[]>([a, ["b", ["c"]], ["c", ["a"]], ["x", ["y"]], ["y", []]]);
  expect(circlesIn(graph)).toEqual([["a", "b", "c"]]);
  expect(
    circlesIn(
      new Map([
        ["a", ["b"]],
        ["b", []],
      ]),
    ),
  ).toEqual([]);
});
