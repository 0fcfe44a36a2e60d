import { readdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nodeOf, NODE_VERSIONS } from "./node-versions.ts";
import { runTests } from "./run-tests.ts";

/**
 * `npm run test:long [room]`: the files named `*.long.test.ts` whose path contains the word, room by room, so that each part
 * takes less than 8 minutes. `-- --short`: one short case of each, in one part. `node`: the quick tests on other versions of
 * Node. Exit code 1 when one was red.
 */

const TEST = resolve(import.meta.dirname, "..");

interface Part {
  readonly name: string;
  readonly run: () => Promise<boolean>;
}

/** A part for each folder that has long files. */
function rooms(word: string): readonly Part[] {
  const files = readdirSync(TEST, { recursive: true, encoding: "utf8" })
    .map((file) => `test/${file.replaceAll("\\", "/")}`)
    .filter((file) => file.endsWith(".long.test.ts") && file.includes(word))
    .toSorted();
  return [...new Set(files.map((file) => dirname(file)))].map((folder) => ({
    name: folder,
    run: async () => runTests({ pace: "full", files: files.filter((file) => dirname(file) === folder) }),
  }));
}

function nodeVersions(): readonly Part[] {
  return NODE_VERSIONS.map((version) => ({
    name: `Node ${version}`,
    run: async () => runTests({ pace: "quick", node: await nodeOf(version) }),
  }));
}

function partsOf(word: string, isShort: boolean): readonly Part[] {
  if (word === "node") return nodeVersions();
  if (isShort) {
    const files = word === "" ? [] : [word];
    return [{ name: "short cases", run: async () => runTests({ pace: "short", files }) }];
  }
  return rooms(word);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: "boolean", default: false } },
});
const [word = ""] = positionals;
const parts = partsOf(word, values.short);
if (parts.length === 0) {
  console.error(
    `No file named *.long.test.ts has "${word}" in its path. Rooms: ${rooms("")
      .map(({ name }) => name)
      .join(", ")}; or: node`,
  );
  process.exit(1);
}
const lines: string[] = [];
let failed = 0;
for (const part of parts) {
  const startedAt = Date.now();
  const isGreen = await part.run();
  if (!isGreen) failed += 1;
  lines.push(
    `${isGreen ? "green" : "red  "}  ${((Date.now() - startedAt) / 60_000).toFixed(1)} min  ${part.name}`,
  );
}
console.log(lines.join("\n"));
process.exitCode = failed > 0 ? 1 : 0;
