import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { openBench } from "./bench.ts";
import { chartOf } from "./chart.ts";
import { markdownOf } from "./markdown.ts";
import { MEASURES } from "./measures.ts";
import { failedOf, goalsOf, jsonOf, type Report } from "./report.ts";
import { runMeasures } from "./run-measures.ts";
import { surroundingsOf } from "./surroundings.ts";
import { tableOf } from "./table.ts";

/** `npm run bench`: speed and cost, measured side by side in one run. Exit code 1: a measure failed. */

const OUT = ".data/bench";

function partOfFullSize(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 10)) throw new InvalidArgumentError("a number above 0, up to 10, is expected");
  return value;
}

interface Options {
  readonly only?: readonly string[];
  readonly scale: number;
  readonly out: string;
  readonly strict?: true;
}

const command = new Command("bench")
  .description(
    "Measures routing, its cost and what it is compared with, on a Redis and a PostgreSQL of its own. " +
      "The table goes to stdout; bench.json, bench.md and bench.svg to a folder.",
  )
  .addOption(new Option("--only <measures...>", "these and no others").choices(MEASURES.map(({ id }) => id)))
  .option("--scale <part>", "part of the full size; 0.05 for a quick look", partOfFullSize, 1)
  .option("--out <folder>", "where the files go", OUT)
  .option("--strict", "exit code 1 also when a goal is missed")
  .parse();
const { only, scale, out, strict } = command.opts<Options>();

const began = performance.now();
function say(text: string): void {
  console.error(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`);
}

const bench = openBench({ scale, say });
for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  // With what is half measured there is nothing to do but to remove its data; the exit ends what is left of the processes.
  process.once(signal, () => void bench.close().finally(() => process.exit(code)));
}

async function takeAll(): Promise<Report> {
  try {
    const given = process.argv.slice(2).join(" ");
    const startedAt = new Date().toISOString();
    const surroundings = await surroundingsOf(bench);
    const measures = MEASURES.filter(({ id }) => only === undefined || only.includes(id));
    const results = await runMeasures(measures, bench);
    const typed = given === "" ? "npm run bench" : `npm run bench -- ${given}`;
    return { startedAt, command: typed, scale, surroundings, results };
  } finally {
    await bench.close();
  }
}

const report = await takeAll();
const folder = resolve(out);
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "bench.json"), jsonOf(report));
await writeFile(join(folder, "bench.md"), markdownOf(report));
await writeFile(join(folder, "bench.svg"), chartOf(report));
console.log(tableOf(report));
say(`bench.json, bench.md and bench.svg are in ${relative(process.cwd(), folder) || "."}`);

const missed = goalsOf(report).some(({ met }) => !met);
if (failedOf(report).length > 0 || (strict === true && missed)) process.exitCode = 1;
