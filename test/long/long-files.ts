import { readdirSync } from "node:fs";
import { resolve } from "node:path";

/** Paths in the repository of the files named `*.long.test.ts`, with slashes, in order. */
export function longFiles(): readonly string[] {
  return readdirSync(resolve(import.meta.dirname, ".."), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".long.test.ts"))
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .toSorted();
}
