import type { DeadLetter } from "../../../shared/dead-letter.ts";
import { entryTime, type Fields } from "../../../shared/entry.ts";
import type { LoggedDecision, LoggedOutcome } from "../../../shared/io/log/signal-log-reader.ts";
import type { DeliveryState } from "../../../shared/io/streams/delivery-state.ts";
import type { EntryRecords } from "../../../shared/io/streams/entry-traces.ts";
import type { TaskState } from "../../../shared/io/streams/task-states.ts";
import type { AttemptRow, OutcomeRow, SignalRow } from "../../../shared/log-rows.ts";
import { cleanFields } from "../../../shared/text.ts";
import type { TaskInFlight } from "../tasks-in-flight.ts";
import type { DecisionView, EntryState, EntryView, OutcomeView } from "./entry-schemas.ts";

/** Puts together what was found about one entry in the stream, the log, `signal_results` and the dead letters. */
export function entryView(findings: EntryFindings): EntryView {
  const { id, logged, tasks, tasksInFlight, deadLetters, truncated } = findings;
  const { decisions, others } = decisionsOf(findings);
  return {
    entry: { id, ...fieldsOf(findings) },
    state: stateOf(findings),
    decisions,
    tasks_in_flight: [...tasksInFlight],
    outcomes_without_decision: others,
    tasks: tasks.map(({ id: taskId, invocation, strategyId, status, consumer, attempts, idleMs }) => ({
      id: taskId,
      invocation,
      strategy_id: strategyId,
      dispatched_at: new Date(entryTime(taskId)).toISOString(),
      state: status,
      consumer,
      attempts,
      idle_ms: idleMs,
    })),
    dead_letters: deadLetters.map(({ id: letterId, functionName, stream, reason, error, at }) => ({
      id: letterId,
      function: functionName,
      stream,
      reason,
      error,
      at,
    })),
    log: logged === undefined ? "unavailable" : "available",
    truncated,
  };
}

export interface EntryFindings {
  readonly id: string;
  readonly stream: DeliveryState;
  /** Undefined while Postgres is unavailable. */
  readonly logged: LoggedEntry | undefined;
  /** Records in `signal_results`, read when the log has no live decision. */
  readonly published: EntryRecords;
  /** Those still in the stream. */
  readonly tasks: readonly TaskState[];
  readonly deadLetters: readonly DeadLetter[];
  /** Its tasks that are delivered and not finished. */
  readonly tasksInFlight: readonly TaskInFlight[];
  /** The log has further decisions. */
  readonly moreDecisions: boolean;
  /** There is, or may be, more of anything. */
  readonly truncated: boolean;
}

export interface LoggedEntry {
  readonly decisions: readonly LoggedDecision[];
  readonly outcomes: readonly LoggedOutcome[];
  readonly raw: Fields | undefined;
}

const NOTHING_LOGGED: LoggedEntry = { decisions: [], outcomes: [], raw: undefined };

/** Whether anything was found. */
export function isKnown({ stream, logged = NOTHING_LOGGED, published, deadLetters }: EntryFindings): boolean {
  if (stream.fields !== undefined || stream.delivery.status === "pending") return true;
  const found = [logged.decisions, logged.outcomes, published.signals, published.outcomes, deadLetters];
  return found.some((list) => list.length > 0);
}

function fieldsOf(findings: EntryFindings): Pick<EntryView["entry"], "fields" | "source"> {
  const { stream, logged, published, deadLetters } = findings;
  if (stream.fields !== undefined) return { fields: cleanFields(stream.fields).fields, source: "stream" };
  if (logged?.raw !== undefined) return { fields: logged.raw, source: "log" };
  const [record] = published.signals;
  if (record !== undefined) return { fields: record.record.raw, source: "signal_results" };
  const letter = deadLetters.find(isOfEntry);
  if (letter !== undefined) return { fields: cleanFields(letter.entry.fields).fields, source: "dead_letter" };
  return { fields: null, source: null };
}

function stateOf({ stream, logged, published, deadLetters }: EntryFindings): EntryState {
  const { delivery, fields } = stream;
  if (delivery.status === "pending") {
    const { status, consumer, idleMs: idle_ms, deliveries } = delivery;
    return { status, consumer, idle_ms, deliveries };
  }
  if (delivery.status === "waiting" && fields !== undefined) return { status: "waiting" };
  if (logged?.decisions.some(isLive) === true) return { status: "logged" };
  const letters = deadLetters.filter((letter) => isOfEntry(letter) || isOfLiveDecision(letter));
  if (letters.length > 0) return { status: "dead_letter", ids: letters.map(({ id }) => id) };
  if (logged === undefined) return { status: "acknowledged" };
  if (published.signals.some(isLive)) return { status: "decided_not_logged" };
  return { status: logged.decisions.length > 0 ? "logged" : "acknowledged" };
}

/** Whether it belongs to the router's own work, not to a manual run. */
export function isLive({ invocation }: { readonly invocation: string }): boolean {
  return invocation === "live";
}

function isOfEntry({ stream }: DeadLetter): boolean {
  return stream === "signals_stream";
}

function isOfLiveDecision({ stream, entry }: DeadLetter): boolean {
  const { kind, invocation } = entry.fields;
  return stream === "signal_results" && kind === "signal" && invocation === "live";
}

/** Decisions with their outcomes, and outcomes without a decision. Where both have one, the log counts. */
function decisionsOf({ logged = NOTHING_LOGGED, published, moreDecisions }: EntryFindings): {
  readonly decisions: DecisionView[];
  readonly others: EntryView["outcomes_without_decision"];
} {
  const inLog = new Set(logged.decisions.map(({ invocation }) => invocation));
  const unlogged = published.signals.filter(({ invocation }) => !inLog.has(invocation));
  const outcomes = new Map<string, PartOutcome>();
  for (const outcome of [
    ...logged.outcomes.map(loggedOutcome),
    ...unlogged.flatMap(routingOutcomes),
    ...published.attempts.map(attemptOutcome),
    ...published.outcomes.map(executionOutcome),
  ]) {
    const key = `${outcome.invocation} ${outcome.strategy_id} ${outcome.stage} ${outcome.part}`;
    if (!outcomes.has(key)) outcomes.set(key, outcome);
  }
  const withOutcomes = (decision: Omit<DecisionView, "outcomes">): DecisionView => {
    const matching = [...outcomes.values()].filter(({ invocation }) => invocation === decision.invocation);
    return { ...decision, outcomes: matching.map(shownOutcome) };
  };
  const decided = [...logged.decisions.map(loggedDecision), ...unlogged.map(publishedDecision)];
  const shown = new Set(decided.map(({ invocation }) => invocation));
  return {
    decisions: decided
      .map(withOutcomes)
      .toSorted((a, b) => Date.parse(b.decided_at) - Date.parse(a.decided_at)),
    // When more decisions exist than are shown, an outcome may belong to one of those.
    others: moreDecisions
      ? []
      : [...outcomes.values()].filter(({ invocation }) => !shown.has(invocation)).map(withoutPart),
  };
}

type PartOutcome = OutcomeView & { readonly invocation: string; readonly part: string };

function loggedDecision(row: LoggedDecision): Omit<DecisionView, "outcomes"> {
  const { entry_id: _, ...decision } = row;
  return decision;
}

function publishedDecision({ invocation, record }: SignalRow): Omit<DecisionView, "outcomes"> {
  const { outcomes: _, raw: __, ...decision } = record;
  return { ...decision, side: decision.side ?? null, invocation, logged_at: null, asked_for: null };
}

function loggedOutcome(row: LoggedOutcome): PartOutcome {
  const { entry_id: _, ...outcome } = row;
  return outcome;
}

function routingOutcomes({ invocation, record }: SignalRow): PartOutcome[] {
  const notRun = { attempt: null, duration_ms: null, at: record.decided_at, logged_at: null, part: "" };
  return record.outcomes.map((outcome) => ({ ...outcome, ...notRun, invocation, stage: "routing" }));
}

function executionOutcome({ invocation, record }: OutcomeRow): PartOutcome {
  const { uid: _, retry: __, ...outcome } = record;
  return {
    ...outcome,
    invocation,
    strategy: null,
    stage: "execution",
    part: record.retry ?? "",
    logged_at: null,
  };
}

function attemptOutcome({ invocation, part, record }: AttemptRow): PartOutcome {
  const { uid: _, task_id: __, ...outcome } = record;
  return { ...outcome, invocation, strategy: null, stage: "attempt", part, logged_at: null };
}

function withoutPart(shown: PartOutcome): EntryView["outcomes_without_decision"][number] {
  const { part: _, ...outcome } = shown;
  return outcome;
}

function shownOutcome(shown: PartOutcome): OutcomeView {
  const { invocation: _, ...outcome } = withoutPart(shown);
  return outcome;
}
