import { directionText } from "../../../shared/direction-text.ts";
import { errorIn, msText } from "../../../shared/reason-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { excerpt, printable } from "../../../shared/text.ts";
import type { DecisionView, EntryView, OutcomeView } from "../../http/signals/entry-schemas.ts";
import { textTable } from "../text-table.ts";
import { clockNotes, legsText, legText, signalLegs, taskLegs, type TaskLegs } from "./legs.ts";
import { outcomeText, reasonedText, runText } from "./outcome-text.ts";
import { exactTime, shortTime } from "./times.ts";
import { wrap } from "./wrap.ts";

/** Everything about one entry, readable at a glance: the decision, its way in time, and each strategy with what it did. */

interface Shown {
  readonly columns: number | undefined;
  readonly now: Date;
}

export function entryText(view: EntryView, shown: Shown): string {
  const [live] = view.decisions;
  const fields = view.entry.fields ?? {};
  const message = live?.message ?? fields["message"] ?? "(no message)";
  const symbol = live?.symbol ?? fields["symbol"] ?? "(no symbol)";
  const direction = live?.direction == null ? "" : ` (${directionText(live.direction, live.side)})`;
  const notes = [
    ...(view.log === "unavailable" ? ["Postgres is unavailable: this is what Redis alone knows"] : []),
    ...(view.truncated ? ["there is, or may be, more than this"] : []),
  ];
  return [
    printable(`${view.entry.id}  ${excerpt(message)} on ${excerpt(symbol)}${direction}`),
    ...factLines([
      ["state", stateText(view)],
      ["fields", live === undefined ? JSON.stringify(fields) : null],
    ]),
    ...view.decisions.flatMap((decision) => decisionLines(view, decision, shown)),
    ...section(
      "Outcomes without a decision",
      view.outcomes_without_decision.map(
        (one) => `${strategyLabel(one.strategy_id, one.strategy)}  ${runText(one)} · run ${one.invocation}`,
      ),
    ),
    ...section(
      "Dead letters",
      view.dead_letters.map(
        ({ id, stream, reason, error, at }) =>
          `${id}  of ${stream}, ${shortTime(at, shown.now)} UTC: ${reason}: ${excerpt(error)}`,
      ),
    ),
    ...notes.map((note) => `! ${note}`),
  ].join("\n");
}

const STATES: Readonly<Record<EntryView["state"]["status"], string>> = {
  waiting: "waits to be decided",
  pending: "with a router, which has not decided it yet",
  decided_not_logged: "decided; not in the log yet",
  logged: "decided, and in the log",
  dead_letter: "given up on: a dead letter",
  acknowledged: "acknowledged; no decision is found",
};

function stateText({ state }: EntryView): string {
  const words = STATES[state.status];
  if (state.status !== "pending") return words;
  const { consumer, deliveries, idle_ms } = state;
  return `${words}: ${consumer}, delivered ${deliveries} times, idle for ${msText(idle_ms)}`;
}

function decisionLines(view: EntryView, decision: DecisionView, shown: Shown): string[] {
  const { invocation, asked_for: run } = decision;
  const legs = signalLegs(view.entry.id, decision);
  const title =
    invocation === "live"
      ? "Decision"
      : `Decision of run ${invocation}${run === null ? "" : ` (${run.mode === null ? run.kind : `${run.kind} ${run.mode}`}${run.requested_by === null ? "" : ` by ${run.requested_by}`}${run.reason === null ? "" : `: ${run.reason}`})`}`;
  const legTable = textTable(
    ["when, UTC", "", ""],
    legs.map(({ what, at, tookMs }) => [exactTime(at, shown.now), what, legText(tookMs)]),
    { columns: undefined },
  );
  return [
    "",
    printable(title),
    ...factLines([
      ["decided", reasonedText(decision)],
      ["as", decision.duplicate_of],
      ["uid", decision.uid],
      ["bar", decision.bar_time === null ? null : `${shortTime(decision.bar_time, shown.now)} UTC`],
      ["source", decision.source],
      ["reference", decision.snapshot],
    ]),
    "",
    ...legTable.split("\n").map((line) => `  ${line}`),
    ...clockNotes(legs).map((note) => `  ! ${note}`),
    ...strategyLines(view, decision, shown),
  ];
}

function strategyLines(view: EntryView, decision: DecisionView, { now, columns }: Shown): string[] {
  const ids = [...new Set(decision.outcomes.map(({ strategy_id }) => strategy_id))];
  const lines = ids.flatMap((id) => {
    const outcomes = decision.outcomes.filter(({ strategy_id }) => strategy_id === id);
    const label = strategyLabel(id, outcomes.find(({ strategy }) => strategy !== null)?.strategy);
    const task = view.tasks.find(
      ({ strategy_id, invocation }) => strategy_id === id && invocation === decision.invocation,
    );
    const [head = "", ...rest] = wrap(`${label}  ${strategyText(decision, outcomes)}`, {
      columns: columns === undefined ? undefined : columns - HANGING,
      indent: "  ",
    });
    const inFlight = view.tasks_in_flight.filter(
      ({ strategy_id, invocation }) => strategy_id === id && invocation === decision.invocation,
    );
    const details = strategyDetails({ decision, outcomes, task, inFlight }, now);
    const indent = " ".repeat(2 + HANGING);
    return [
      head,
      ...rest.map((line) => " ".repeat(HANGING) + line),
      ...details.flatMap((line) => wrap(line, { columns, indent })),
    ];
  });
  return lines.length === 0 ? [] : ["", "Strategies", ...lines];
}

/** What belongs to a strategy stands so much further to the right. */
const HANGING = 4;

function strategyText({ symbol }: DecisionView, outcomes: readonly OutcomeView[]): string {
  const routed = outcomes.find(({ stage }) => stage === "routing");
  const runs = outcomes.filter(({ stage }) => stage === "execution");
  const attempts = outcomes.filter(({ stage }) => stage === "attempt").length;
  const run = runs.at(-1) ?? null;
  if (routed === undefined) return run === null ? "nothing is known" : runText(run);
  return outcomeText({ ...routed, detail: { symbol, ...routed.detail } }, run, attempts);
}

interface OfStrategy {
  readonly decision: DecisionView;
  readonly outcomes: readonly OutcomeView[];
  readonly task: EntryView["tasks"][number] | undefined;
  /** Also those of retries. */
  readonly inFlight: EntryView["tasks_in_flight"];
}

/** The legs of its task, its attempts and further runs, what is still pending, and what workers reported. */
function strategyDetails({ decision, outcomes, task, inFlight }: OfStrategy, now: Date): string[] {
  const { dispatched, attempts, logged } = taskLegs(decision, task, outcomes);
  const [only] = attempts;
  const reports = outcomes.filter(({ stage }) => stage === "report");
  const isOpen = attempts.every(({ outcome }) => outcome.stage !== "execution");
  const ways =
    attempts.length === 1 && only?.outcome.stage === "execution"
      ? [legsText([dispatched, ...only.legs, logged])]
      : [legsText([dispatched]), ...attempts.map(attemptText), legsText([logged])];
  return [
    ...ways.filter((line) => line !== ""),
    ...inFlight.map((one) => inFlightText(one, now)),
    ...(task === undefined || !isOpen || inFlight.length > 0 ? [] : [taskText(task)]),
    ...reports.map(
      (one) => `its worker, ${shortTime(one.at, now)} UTC: ${one.status}${reportText(one.detail)}`,
    ),
  ];
}

/** `attempt 2  begun +1.8 s · ended +1 ms  503 Service Unavailable` */
function attemptText({ outcome, legs }: TaskLegs["attempts"][number]): string {
  const why = errorIn(outcome.detail) || (outcome.reason ?? outcome.status);
  return `attempt ${outcome.attempt ?? 1}  ${legsText(legs)}  ${why}`;
}

/** `task 17-0 is with host-1: attempt 1 failed; attempt 2 of 5 follows, at 10:00:05 UTC` */
function inFlightText(one: EntryView["tasks_in_flight"][number], now: Date): string {
  const { id, consumer, why, state, idle_ms, next_try_at } = one;
  const begun = state === "running" ? `, begun ${msText(idle_ms)} ago` : "";
  const next = next_try_at === null ? "" : `, at ${shortTime(next_try_at, now)} UTC`;
  return `task ${id} is with ${consumer}: ${why}${begun}${next}`;
}

function reportText(detail: Readonly<Record<string, unknown>>): string {
  return Object.keys(detail).length === 0 ? "" : ` ${JSON.stringify(detail)}`;
}

function taskText({ id, state, consumer, attempts, idle_ms }: EntryView["tasks"][number]): string {
  switch (state) {
    case "waiting":
      return `task ${id} waits to be run`;
    case "ended":
      return `task ${id} has ended; what it came to is not in the log yet`;
    case "pending":
      return `task ${id} is with ${consumer ?? "a consumer"}: ${attempts === 0 ? "not begun" : `attempt ${attempts ?? 1}`}, ${msText(idle_ms ?? 0)} ago`;
  }
}

function factLines(facts: readonly (readonly [name: string, value: string | null])[]): string[] {
  return facts.flatMap(([name, value]) =>
    value === null || value === "" ? [] : [`  ${name.padEnd(11)}${printable(value)}`],
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${printable(line)}`)];
}
