import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { longFiles } from "./long-files.ts";

test("there are long files, and each names its short case", () => {
  const files = longFiles();
  expect(files).toContain("test/torture/torture.long.test.ts");
  const root = resolve(import.meta.dirname, "../..");
  expect(
    files.filter(
      (file) => !/byPace(?:<[^(]*>)?\(\{\s*short: /.test(readFileSync(resolve(root, file), "utf8")),
    ),
  ).toEqual([]);
});
