import { readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../../shared/error-message.ts";
import { MEASURES } from "./all-measures.ts";
import { openBench } from "./bench.ts";
import { markdownOf } from "./report/markdown.ts";
import { incompletenessOf, replaceResults } from "./report/readme.ts";
import { failedOf, goalsOf, type MeasureResult, type Report } from "./report/report.ts";
import { surroundingsOf } from "./report/surroundings.ts";
import { tableOf } from "./report/table.ts";
import { writeReport } from "./report/write-report.ts";
import { runMeasures } from "./run-measures.ts";

/** `npm run bench`: measures speed and cost side by side in one run. Exit code 1: a measure failed. */

const OUT = ".data/bench";
const README = join(import.meta.dirname, "README.md");

function partOfFullSize(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 10)) throw new InvalidArgumentError("Expected a number above 0, at most 10.");
  return value;
}

interface Options {
  readonly only?: readonly string[];
  readonly scale: number;
  readonly out: string;
  readonly strict?: true;
  readonly writeReadme?: true;
}

const program = new Command("bench")
  .description(
    "Measures the router and compares it with others, on a Redis and a PostgreSQL that it starts. " +
      "Prints a table, writes bench.json, bench.md and bench.svg, and after a complete run the results in test/bench/README.md.",
  )
  .addOption(new Option("--only <measures...>", "only these measures").choices(MEASURES.map(({ id }) => id)))
  .option("--scale <part>", "part of the full size, such as 0.05 for a quick run", partOfFullSize, 1)
  .option("--out <folder>", "folder for the files", OUT)
  .option("--write-readme", "write the results into test/bench/README.md after an incomplete run too")
  .option("--strict", "exit code 1 also when a goal is missed")
  .parse();
const { only, scale, out, strict, writeReadme } = program.opts<Options>();

const startedAtMs = performance.now();
function say(text: string): void {
  console.error(`${((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
}

const bench = openBench({ scale, say });
const stop = new AbortController();
for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  // An interrupted measure has no result; its data is removed, and the exit kills the processes that still run.
  process.once(signal, () => {
    stop.abort();
    void closeBench().finally(() => process.exit(code));
  });
}

/** A server that cannot be stopped is reported; the results remain valid. */
async function closeBench(): Promise<void> {
  try {
    await bench.close();
  } catch (error) {
    say(messageOf(error));
    process.exitCode = 1;
  }
}

const folder = resolve(out);

async function takeAll(): Promise<Report> {
  const given = process.argv.slice(2).join(" ");
  const command = given === "" ? "npm run bench" : `npm run bench -- ${given}`;
  const startedAt = new Date().toISOString();
  const surroundings = await surroundingsOf(bench);
  const measures = MEASURES.filter(({ id }) => only === undefined || only.includes(id));
  const reportOf = (results: readonly MeasureResult[]): Report => {
    const outstanding = measures.slice(results.length).map(({ id }) => id);
    return { startedAt, command, scale, surroundings, results, outstanding };
  };
  const taken = async (results: readonly MeasureResult[]): Promise<void> =>
    writeReport(folder, reportOf(results));
  return reportOf(await runMeasures(measures, bench, { taken, stop: stop.signal }));
}

/** Writes the results into the guide; an incomplete run says why it does not, unless it was asked to. */
async function writeResults(report: Report): Promise<void> {
  const incomplete = incompletenessOf(report);
  const path = relative(process.cwd(), README);
  if (incomplete !== undefined && writeReadme === undefined) {
    say(`${path} is unchanged: ${incomplete}. Use --write-readme to write these results`);
    return;
  }
  try {
    await writeFile(README, replaceResults(await readFile(README, "utf8"), markdownOf(report)));
    say(`the results are in ${path}`);
  } catch (error) {
    say(`${path} could not be written: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

let report: Report;
try {
  report = await takeAll();
} finally {
  await closeBench();
}
console.log(tableOf(report));
say(`bench.json, bench.md and bench.svg are in ${relative(process.cwd(), folder) || "."}`);
await writeResults(report);

const missed = goalsOf(report).some(({ met }) => !met);
if (failedOf(report).length > 0 || (strict === true && missed)) process.exitCode = 1;
