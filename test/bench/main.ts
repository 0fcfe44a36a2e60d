import { relative, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { messageOf } from "../../shared/error-message.ts";
import { MEASURES } from "./all-measures.ts";
import { openBench } from "./bench.ts";
import { failedOf, goalsOf, type MeasureResult, type Report } from "./report/report.ts";
import { surroundingsOf } from "./report/surroundings.ts";
import { tableOf } from "./report/table.ts";
import { writeReport } from "./report/write-report.ts";
import { runMeasures } from "./run-measures.ts";

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

const program = new Command("bench")
  .description(
    "Measures routing, its cost and what it is compared with, on a Redis and a PostgreSQL of its own. " +
      "The table goes to stdout; bench.json, bench.md and bench.svg to a folder.",
  )
  .addOption(new Option("--only <measures...>", "these and no others").choices(MEASURES.map(({ id }) => id)))
  .option("--scale <part>", "part of the full size; 0.05 for a quick look", partOfFullSize, 1)
  .option("--out <folder>", "where the files go", OUT)
  .option("--strict", "exit code 1 also when a goal is missed")
  .parse();
const { only, scale, out, strict } = program.opts<Options>();

const began = performance.now();
function say(text: string): void {
  console.error(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`);
}

const bench = openBench({ scale, say });
const stop = new AbortController();
for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  // With what is half measured there is nothing to do but to remove its data; the exit ends what is left of the processes.
  process.once(signal, () => {
    stop.abort();
    void closeBench().finally(() => process.exit(code));
  });
}

/** What could not be ended is told and takes nothing from what was measured. */
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

let report: Report;
try {
  report = await takeAll();
} finally {
  await closeBench();
}
console.log(tableOf(report));
say(`bench.json, bench.md and bench.svg are in ${relative(process.cwd(), folder) || "."}`);

const missed = goalsOf(report).some(({ met }) => !met);
if (failedOf(report).length > 0 || (strict === true && missed)) process.exitCode = 1;
