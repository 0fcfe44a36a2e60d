import type * as z from "zod";
import { entryTime } from "../../../shared/entry.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { excerpt, printable } from "../../../shared/text.ts";
import type { replayedSchema, summarySchema } from "../../http/replays/schemas.ts";

/** What a replay says to people: `+` before what would be traded more, `-` before what would no longer be. */

export type ReplayedLine = z.infer<typeof replayedSchema>;
export type SummaryLine = z.infer<typeof summarySchema>;
type Difference = NonNullable<ReplayedLine["difference"]>;
type Verdict = Difference["strategies"][number]["now"];

/** A signal with what differs for each strategy; nothing when nothing does. */
export function differenceLines(signal: Titled & { readonly difference: Difference | null }): string[] {
  const { difference } = signal;
  if (difference === null) return [];
  const { signal: whole, strategies } = difference;
  if (whole === null && strategies.length === 0) return [];
  const lines = strategies.map(
    ({ strategy_id, strategy, was, now }) =>
      `${markOf(was, now)} ${strategyLabel(strategy_id, strategy)}: ${verdictText(was)} → ${verdictText(now)}`,
  );
  const ofWhole = whole === null ? [] : [`  signal: ${verdictText(whole.was)} → ${verdictText(whole.now)}`];
  return titledLines(signal, [...lines, ...ofWhole]);
}

/** A signal with the tasks that it adds, or why it adds none. */
export function taskLines(signal: ReplayedLine): string[] {
  const { tasks = [], decided, note, outcome } = signal;
  const added = tasks.map(
    ({ strategy_id, strategy, idempotency_key }) =>
      `+ ${strategyLabel(strategy_id, strategy)}  key ${idempotency_key}`,
  );
  if (decided === null) return titledLines(signal, [`  ${outcome ?? "not decided"}: ${note ?? ""}`]);
  const others = decided.outcomes.filter(({ status }) => status !== "dispatched");
  const without = others.map(
    ({ strategy_id, strategy, ...verdict }) =>
      `  ${strategyLabel(strategy_id, strategy)}: ${verdictText(verdict)}`,
  );
  const whole = added.length > 0 ? [] : [`  no task: ${verdictText(decided)}`];
  return titledLines(signal, [...whole, ...added, ...without]);
}

type Titled = Pick<ReplayedLine, "entry_id" | "symbol" | "message">;

function titledLines({ entry_id, symbol, message }: Titled, lines: readonly string[]): string[] {
  const at = new Date(entryTime(entry_id)).toISOString();
  return [
    `${at}  ${excerpt(message ?? "?")} on ${excerpt(symbol ?? "?")}  ${entry_id}`,
    ...lines.map((line) => `  ${line}`),
  ].map(printable);
}

function markOf(was: Verdict, now: Verdict): "+" | "-" | " " {
  const [before, after] = [was?.status === "dispatched", now?.status === "dispatched"];
  if (before === after) return " ";
  return after ? "+" : "-";
}

function verdictText(verdict: Verdict): string {
  if (verdict === null) return "no decision";
  const { status, reason } = verdict;
  return reason === null || reason === status ? status : `${status}: ${reason}`;
}

/** How many signals came to what. */
export function countsText({
  mode,
  dry_run,
  counts,
}: Pick<SummaryLine, "mode" | "dry_run" | "counts">): string {
  const count = (name: string): number => counts[name] ?? 0;
  const parts = (names: readonly (readonly [string, string])[]): string[] =>
    names.flatMap(([name, text]) => (count(name) === 0 ? [] : [`${count(name)} ${text}`]));
  const compared = [
    `${count("changed")} decided differently`,
    `${count("unchanged")} alike`,
    ...parts([
      ["never_decided", "without a decision in the log, decided as of now"],
      ["undecidable", "not decidable"],
    ]),
  ];
  const written = [
    `${plural(count("tasks"), "task")} ${dry_run ? "would be added" : "added"}`,
    ...parts([
      ["dispatched", "dispatched"],
      ["ignored", "ignored"],
      ["duplicate", "duplicate"],
      ["rejected", "rejected"],
      ["decided_before", "decided before"],
      ["held", "dispatched before"],
      ["fenced", "done before by this invocation"],
      ["dead_letter", "dead letters, which are retried instead"],
      ["left", "left undone"],
    ]),
  ];
  const all = mode === "dry-run" ? compared : written;
  const ends = [...all, ...parts([["not_found", "not found"]])];
  return `${plural(count("selected"), "signal")}: ${ends.join(", ")}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Counts, strategy by strategy, what the lines of a replay have. */
export class StrategyCounts {
  readonly #counts = new Map<number, { name: string; more: number; fewer: number; tasks: number }>();

  add({ tasks = [], difference }: Pick<ReplayedLine, "tasks" | "difference">): void {
    for (const { strategy_id, strategy } of tasks) this.#of(strategy_id, strategy).tasks += 1;
    for (const { strategy_id, strategy, was, now } of difference?.strategies ?? []) {
      const mark = markOf(was, now);
      if (mark === "+") this.#of(strategy_id, strategy).more += 1;
      if (mark === "-") this.#of(strategy_id, strategy).fewer += 1;
    }
  }

  /** Rows for a table, those with most first. */
  rows(kind: "differences" | "tasks"): string[][] {
    const rows = [...this.#counts].map(([id, { name, more, fewer, tasks }]) => ({
      label: strategyLabel(id, name),
      total: kind === "tasks" ? tasks : more + fewer,
      cells: kind === "tasks" ? [String(tasks)] : [`+${more}`, `-${fewer}`],
    }));
    return rows
      .filter(({ total }) => total > 0)
      .toSorted((a, b) => b.total - a.total)
      .map(({ label, cells }) => [...cells, label]);
  }

  #of(id: number, name: string | null) {
    const known = this.#counts.get(id) ?? { name: name ?? "", more: 0, fewer: 0, tasks: 0 };
    this.#counts.set(id, known);
    return known;
  }
}
