import { randomInt } from "node:crypto";
import { Command, Option, InvalidArgumentError } from "commander";
import { violationsIn } from "./invariants.ts";
import { summaryOf, violationsText } from "./report.ts";
import { torture } from "./run.ts";

/** `npm run torture`: causes faults for some minutes, then checks every result. Exit code 1: a promise was broken. */

const SEED_MAX = 2 ** 31;

function number(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value >= least)) throw new InvalidArgumentError(`Expected a number of at least ${least}.`);
    return value;
  };
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!Number.isSafeInteger(Number(text))) throw new InvalidArgumentError("Expected a whole number.");
    return number(least)(text);
  };
}

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly routers: number;
  readonly rate: number;
  readonly faultEvery: number;
  readonly cluster?: true;
  readonly sentinel?: true;
}

const command = new Command("torture")
  .description(
    "Sends signals through real routers while servers and routers are killed, then checks that no result is lost, doubled or wrong.",
  )
  .option("--minutes <n>", "duration of the faults", number(0.1), 5)
  .option(
    "--seed <n>",
    "repeats the faults and signals of an earlier run",
    wholeNumber(0),
    randomInt(SEED_MAX),
  )
  .option("--routers <n>", "router processes", wholeNumber(1), 3)
  .option("--rate <n>", "signals per second", number(1), 100)
  .option("--fault-every <ms>", "mean time between two faults", wholeNumber(100), 2_000)
  .addOption(new Option("--cluster", "on a Redis Cluster of six nodes").conflicts("sentinel"))
  .option("--sentinel", "on a master with two replicas and three Sentinels")
  .parse();
const { minutes, seed, routers, rate, faultEvery: faultEveryMs, cluster, sentinel } = command.opts<Options>();
const setting = cluster === true ? "cluster" : sentinel === true ? "sentinel" : "plain";

console.log(
  `torture ${setting === "plain" ? "" : `--${setting} `}--seed ${seed} --minutes ${minutes} --routers ${routers} --rate ${rate} --fault-every ${faultEveryMs}`,
);
const report = await torture({ setting, seed, minutes, routers, rate, faultEveryMs, say: console.log });
console.log(summaryOf(report));
const violations = violationsIn(report.facts);
if (violations.length > 0) {
  console.log(violationsText(report.facts, violations));
} else {
  console.log(
    "result     nothing lost, nothing doubled, nothing overtaken, every decision right, every counter exact",
  );
}
process.exitCode = violations.length > 0 ? 1 : 0;
