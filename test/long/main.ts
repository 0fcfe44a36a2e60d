import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { longFiles } from "./long-files.ts";
import { nodeOf, NODE_VERSIONS } from "./node-versions.ts";
import { runTests } from "./run-tests.ts";

/**
 * `npm run test:long [room]`: the files named `*.long.test.ts` whose path contains the word, room by room, so that each part
 * takes less than 8 minutes. `-- --short`: one short case of each, in one part. `node [file …]`: the quick tests, or some of
 * them, on other versions of Node. Exit code 1 when one was red.
 */

interface Part {
  readonly name: string;
  readonly run: () => Promise<boolean>;
}

/** A part for each folder that has long files. */
function rooms(word: string): readonly Part[] {
  const files = longFiles().filter((file) => file.includes(word));
  return [...new Set(files.map((file) => dirname(file)))].map((folder) => ({
    name: folder,
    run: async () => runTests({ pace: "full", files: files.filter((file) => dirname(file) === folder) }),
  }));
}

function nodeVersions(files: readonly string[]): readonly Part[] {
  return NODE_VERSIONS.map((version) => ({
    name: `Node ${version}`,
    run: async () => runTests({ pace: "quick", files, node: await nodeOf(version) }),
  }));
}

function shortCases(word: string): Part {
  const files = word === "" ? [] : [word];
  return { name: "short cases", run: async () => runTests({ pace: "short", files }) };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: "boolean", default: false } },
});
const [word = "", ...files] = positionals;
const parts = word === "node" ? nodeVersions(files) : values.short ? [shortCases(word)] : rooms(word);
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
