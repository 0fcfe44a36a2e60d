import { directionText } from "../../../shared/direction-text.ts";
import { msText, reasonText } from "../../../shared/reason-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import {
  shownStrategySchema,
  strategiesSchema,
  type StrategyView,
} from "../../http/operations/strategy-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { notedTable } from "./noted-table.ts";
import { currentTime, shortTime } from "./times.ts";

/** `cli strategies` and `cli strategies show`: what each strategy is, and how it is doing. */

interface JsonOption {
  readonly json: boolean;
}

export async function printStrategies({ json }: JsonOption, io: CommandIo): Promise<void> {
  const found = await io.withRouter(async (router) =>
    router.ask({ path: "/strategies", answer: strategiesSchema }),
  );
  if (json) {
    io.print(printableJson(found));
    return;
  }
  io.print(strategiesText(found.strategies, { ...io, now: currentTime() }));
  if (found.log === "unavailable") io.say(WITHOUT_LOG);
}

const WITHOUT_LOG = "Postgres is unavailable: names of signals, and what was last dispatched, are missing";

interface Shown extends Pick<CommandIo, "columns"> {
  readonly now: Date;
}

export function strategiesText(strategies: readonly StrategyView[], { now, columns }: Shown): string {
  if (strategies.length === 0) return "no strategies";
  const rows = strategies.map((strategy) => {
    const { decided, ended } = strategy.counters;
    return {
      cells: [
        String(strategy.id),
        strategy.name,
        strategy.state.replaceAll("_", " "),
        strategy.handler,
        String(decided["dispatched"] ?? 0),
        String(ended["executed"] ?? 0),
        String(ended["failed"] ?? 0),
        strategy.last_dispatch === null ? "" : shortTime(strategy.last_dispatch.at, now),
      ],
      note: strategyWarnings(strategy).join(" · "),
    };
  });
  const head = ["id", "strategy", "state", "handler", "dispatched", "executed", "failed", "last, UTC"];
  const warned = rows.some(({ note }) => note !== "");
  return notedTable({ head, noteHead: warned ? "attention" : "" }, rows, { columns });
}

/** What is wrong with it, a line each. */
export function strategyWarnings({ paused, unusable, failing, last_ends }: StrategyView): string[] {
  const since = paused?.since == null ? "" : ` since ${paused.since.slice(0, 16).replace("T", " ")} UTC`;
  const by = paused?.by == null ? "" : ` by ${paused.by}`;
  return [
    ...(paused === null ? [] : [`${paused.all ? "everything is paused" : "paused"}${since}${by}`]),
    ...unusable.map(({ fault }) => `cannot be run: ${fault}`),
    ...(failing ? [`failing: ${last_ends?.failed ?? 0} of its last ${last_ends?.count ?? 0} tasks`] : []),
  ].map((line) => `! ${printable(line.replaceAll(/\s+/g, " "))}`);
}

export async function printStrategy(typed: string, { json }: JsonOption, io: CommandIo): Promise<void> {
  const path = `/strategies/${encodeURIComponent(typed)}`;
  const found = await io.withRouter(async (router) => router.ask({ path, answer: shownStrategySchema }));
  if (json) {
    io.print(printableJson(found));
    return;
  }
  io.print(strategyText(found.strategy, currentTime()));
  if (found.runners === 0) io.say("no process runs strategies now, so it is not known whether it can be run");
  if (found.log === "unavailable") io.say(WITHOUT_LOG);
}

export function strategyText(strategy: StrategyView, now: Date): string {
  const { counters, phrases, tickers, params, last_dispatch, last_end } = strategy;
  const facts: [string, string][] = [
    ["state", strategy.state.replaceAll("_", " ")],
    ["handler", strategy.handler],
    ...Object.entries(params).map(([name, value]): [string, string] => [`  ${name}`, JSON.stringify(value)]),
    [
      "may",
      [strategy.allow_open ? "open" : "", strategy.reverse ? "reverse" : "", strategy.exits ? "exit" : ""]
        .filter(Boolean)
        .join(", ") || "do nothing",
    ],
    ["tickers", tickers === null ? "all" : tickers.join(", ") || "none"],
    ...phrases.map(({ phrase, direction, side, state, signals }, n): [string, string] => [
      n === 0 ? "signals" : "",
      `${phrase}${direction === null ? "" : ` (${directionText(direction, side)})`}${signals === null ? "" : ` of ${signals.join(", ")}`}${state === "enabled" ? "" : `, ${state}`}`,
    ]),
    ...(phrases.length === 0 ? [["signals", "none"] as [string, string]] : []),
    ...(strategy.signal_age_ms_max === null || strategy.signal_age_ms_max === 0
      ? []
      : [["age limit", msText(strategy.signal_age_ms_max)] as [string, string]]),
    ...(strategy.exit_age_ms_max === null ? [] : [["of exits", exitAgeText(strategy)] as [string, string]]),
    ["decided", countsText(counters.decided)],
    ["tasks", countsText(counters.ended)],
    [
      "attempts",
      `${counters.attempts}${counters.run_ms_mean === null ? "" : `, mean run ${msText(counters.run_ms_mean)}`}`,
    ],
    [
      "last task",
      last_dispatch === null
        ? ""
        : `${shortTime(last_dispatch.at, now)} UTC, entry ${last_dispatch.entry_id}`,
    ],
    [
      "last end",
      last_end === null
        ? ""
        : `${shortTime(last_end.at, now)} UTC, ${last_end.status}${last_end.reason === null ? "" : ` – ${reasonText(last_end.reason)}`}`,
    ],
  ];
  return [
    strategyLabel(strategy.id, strategy.name),
    ...strategyWarnings(strategy).map((line) => `  ${line}`),
    ...facts
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `  ${name.padEnd(12)}${printable(value)}`),
  ].join("\n");
}

function exitAgeText({ exit_age_ms_max: ms }: Pick<StrategyView, "exit_age_ms_max">): string {
  return ms === null || ms === 0 ? "any age" : msText(ms);
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([status, count]) => `${status} ${count}`);
  return parts.length === 0 ? "none yet" : parts.toSorted().join(", ");
}
