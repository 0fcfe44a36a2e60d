import type { Entry } from "../../shared/entry.ts";
import { decidedText, expectedTask, possibleDecisions, type Decided } from "./expected.ts";
import type { Facts, LogRow, OutcomeLogRow } from "./facts.ts";
import { revisionsAt } from "./timeline.ts";

/** What must be true after any torture, checked on nothing but the collected facts. */

export interface Violation {
  readonly text: string;
  /** The entry it is about, if it is about one. */
  readonly entryId?: string;
}

/** The facts by entry id, and the number of each version of the reference. */
export interface Evidence {
  readonly revisionOf: ReadonlyMap<string, number>;
  readonly results: ReadonlyMap<string, readonly Entry[]>;
  readonly tasks: ReadonlyMap<string, readonly Entry[]>;
  readonly rows: ReadonlyMap<string, readonly LogRow[]>;
  readonly outcomes: ReadonlyMap<string, readonly OutcomeLogRow[]>;
  readonly deadLetters: ReadonlyMap<string, readonly Entry[]>;
}

/** Decisions and commits have different clocks; a sample of Redis' clock may be off by this much on a busy machine. */
const CLOCK_ERROR_MS_MAX = 500;
/** As much of a field as the record keeps. */
const RAW_BYTES_MAX = 16_384;

/** Everything that is wrong; empty when the router has kept its promise. */
export function violationsIn(facts: Facts): Violation[] {
  const evidence = evidenceOf(facts);
  return [
    ...entriesViolations(facts, evidence),
    ...dispatchViolations(facts, evidence),
    ...executionViolations(facts),
    ...counterViolations(facts),
    ...leftoverViolations(facts, evidence),
  ];
}

export function evidenceOf({ revisions, results, tasks, rows, outcomes, deadLetters }: Facts): Evidence {
  return {
    revisionOf: new Map(revisions.map(({ version }, i) => [version, i])),
    results: grouped(results, ({ fields }) => fields["entry_id"]),
    tasks: grouped(tasks, ({ fields }) => fields["entry_id"]),
    rows: grouped(rows, (row) => row.entry_id),
    outcomes: grouped(outcomes, (row) => row.entry_id),
    deadLetters: grouped(deadLetters, ({ fields }) => fields["entry_id"]),
  };
}

/** Each entry has one result, one row and the right decision, and nothing is there for an entry that is not. */
function entriesViolations(facts: Facts, evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const ids = new Set(facts.entries.map(({ id }) => id));
  for (const entry of facts.entries) found.push(...entryViolations(entry, facts, evidence));
  for (const kind of ["results", "tasks", "rows", "outcomes"] as const) {
    for (const entryId of evidence[kind].keys()) {
      if (!ids.has(entryId)) found.push({ entryId, text: `${kind} of an entry that is not in the stream` });
    }
  }
  for (const id of facts.confirmed) {
    if (!ids.has(id)) found.push({ entryId: id, text: "Redis confirmed this entry and has lost it" });
  }
  return found;
}

function entryViolations(entry: Entry, facts: Facts, evidence: Evidence): Violation[] {
  const { id: entryId } = entry;
  const bad = (text: string): Violation[] => [{ entryId, text }];
  const results = evidence.results.get(entryId) ?? [];
  const rows = evidence.rows.get(entryId) ?? [];
  const given = evidence.deadLetters
    .get(entryId)
    ?.filter((dead) => dead.fields["stream"] === "signals_stream");
  if (given !== undefined && given.length > 0) {
    return bad(
      `given up on ${given.length} times, with ${results.length} results; nothing here deserves that`,
    );
  }
  const [result] = results;
  const [row] = rows;
  if (result === undefined) return bad("lost: there is no result for it");
  if (results.length > 1) return bad(`decided ${results.length} times`);
  if (row === undefined) return bad("there is a result, but no row in signal_log");
  if (rows.length > 1) return bad(`${rows.length} rows in signal_log`);
  return [
    ...recordViolations(entry, result, row),
    ...decisionViolations(entry, { result, row, facts, evidence }),
  ];
}

/** The row says what was published and what came in. */
function recordViolations({ id: entryId, fields }: Entry, result: Entry, row: LogRow): Violation[] {
  const found: Violation[] = [];
  const published = JSON.parse(result.fields["data"] ?? "{}") as Record<string, unknown>;
  const kept: Record<string, unknown> = { ...row, decided_at: row.decided_at.toISOString() };
  for (const name of ["uid", "status", "reason", "snapshot", "decided_at", "duplicate_of"]) {
    if (published[name] !== kept[name])
      found.push({ entryId, text: `${name} was published as ${String(published[name])}` });
  }
  for (const [name, value] of Object.entries(fields)) {
    const raw = Buffer.byteLength(value) > RAW_BYTES_MAX ? value.slice(0, RAW_BYTES_MAX) : value;
    if (row.raw[name] !== raw.replaceAll("\0", "\uFFFD"))
      found.push({ entryId, text: `field ${name} is recorded otherwise` });
  }
  if (row.invocation !== "live" || result.fields["kind"] !== "signal")
    found.push({ entryId, text: `invocation ${row.invocation}, kind ${result.fields["kind"]}` });
  return found;
}

interface Decision {
  readonly result: Entry;
  readonly row: LogRow;
  readonly facts: Facts;
  readonly evidence: Evidence;
}

/** The decision is the one the rules give on what was in force when it was committed. */
function decisionViolations(entry: Entry, { result, row, facts, evidence }: Decision): Violation[] {
  const { id: entryId } = entry;
  const committedAt = msOf(result.id);
  const decidedAt = row.decided_at.getTime();
  const found: Violation[] = [];
  const number = evidence.revisionOf.get(row.snapshot) ?? -1;
  const revision = facts.revisions[number];
  if (revision === undefined)
    return [{ entryId, text: `decided on ${row.snapshot}, which nobody has written` }];

  const { first, last } = revisionsAt(facts.observations, evidence.revisionOf, committedAt);
  if (number < first || number > last) {
    const text = `committed on reference revision ${number} while ${first} to ${last} were current`;
    found.push({ entryId, text });
  }
  if (decidedAt > committedAt + CLOCK_ERROR_MS_MAX || decidedAt < msOf(entryId) - CLOCK_ERROR_MS_MAX) {
    const text = `decided at ${decidedAt}, which is not between its entry id and its commit at ${committedAt}`;
    found.push({ entryId, text });
  }

  const actual: Decided = { ...row, outcomes: outcomeTexts(evidence.outcomes.get(entryId) ?? []) };
  const possible = possibleDecisions({ ...facts, entry, row, revision, committedAt });
  const right = possible.flatMap((answer) =>
    answer.repeated === undefined ? [answer.first] : [answer.first, answer.repeated],
  );
  if (!right.some((answer) => decidedText(answer) === decidedText(actual))) {
    const wanted = right.map(decidedText).join(" or ");
    found.push({ entryId, text: `logged ${decidedText(actual)}; right is ${wanted}` });
  }
  return found;
}

function outcomeTexts(outcomes: readonly OutcomeLogRow[]): string[] {
  return outcomes
    .filter(({ stage }) => stage === "routing")
    .toSorted((a, b) => a.strategy_id - b.strategy_id)
    .map(({ strategy_id, status, reason }) => {
      const fits =
        (status === "dispatched") === (reason === null) && (status === "shadow") === (reason === "shadow");
      return `${strategy_id}:${fits ? (reason ?? status) : `${status} because ${reason}`}`;
    });
}

/** One dispatched row per uid, duplicates point to it, and its tasks are exactly its dispatched outcomes. */
function dispatchViolations(facts: Facts, evidence: Evidence): Violation[] {
  const found: Violation[] = [];
  const entries = new Map(facts.entries.map((entry) => [entry.id, entry]));
  const published = new Map(facts.results.map(({ fields }, i) => [fields["entry_id"] ?? "", i]));
  const holders = new Map<string, string>();
  for (const { status, uid, entry_id: entryId } of facts.rows) {
    if (status !== "dispatched") continue;
    const other = holders.get(uid ?? "");
    if (other !== undefined) found.push({ entryId, text: `uid ${uid} is dispatched here and by ${other}` });
    holders.set(uid ?? "", entryId);
  }
  for (const row of facts.rows) {
    const { entry_id: entryId, uid } = row;
    const entry = entries.get(entryId);
    if (entry === undefined) continue;
    const bad = (text: string): void => void found.push({ entryId, text });
    const holder = holders.get(uid ?? "");
    if (
      row.status === "duplicate"
        ? holder === undefined || row.duplicate_of !== holder
        : row.duplicate_of !== null
    )
      bad(`duplicate of ${row.duplicate_of}, while ${holder ?? "nobody"} has dispatched uid ${uid}`);
    if (row.status === "duplicate" && (published.get(entryId) ?? 0) < (published.get(holder ?? "") ?? 0))
      bad(`duplicate of ${holder}, which was dispatched later`);
    found.push(...taskViolations(entry, row, { facts, evidence }));
  }
  return [...found, ...identityViolations(facts, entries)];
}

function taskViolations(
  entry: Entry,
  row: LogRow,
  { facts, evidence }: { readonly facts: Facts; readonly evidence: Evidence },
): Violation[] {
  const { id: entryId } = entry;
  const found: Violation[] = [];
  const outcomes = evidence.outcomes.get(entryId) ?? [];
  const dispatched = outcomes.filter(({ status }) => status === "dispatched").map((one) => one.strategy_id);
  const tasks = evidence.tasks.get(entryId) ?? [];
  const handedOn = tasks.map(({ fields }) => Number(fields["strategy_id"]));
  if (sorted(handedOn).join() !== sorted(dispatched).join()) {
    const text = `tasks for strategies [${sorted(handedOn).join(", ")}], dispatched to [${sorted(dispatched).join(", ")}]`;
    found.push({ entryId, text });
  }
  if ((row.status === "dispatched") !== dispatched.length > 0)
    found.push({ entryId, text: `status ${row.status} with ${dispatched.length} dispatched strategies` });
  const revision = facts.revisions[evidence.revisionOf.get(row.snapshot) ?? -1];
  for (const { id, fields } of tasks) {
    if (revision === undefined) continue;
    const wanted = {
      ...expectedTask(revision.rows, entry, Number(fields["strategy_id"])),
      log_uid: row.uid ?? "",
      snapshot: row.snapshot,
    };
    for (const [name, value] of Object.entries(wanted)) {
      if (fields[name] !== value)
        found.push({ entryId, text: `task ${id} has ${name} ${fields[name]}; right is ${value}` });
    }
  }
  return found;
}

/** Why a task that was handed on may not have been run: what changed meanwhile. */
const NOT_RUN = /^(?:unknown_strategy|strategy_disabled|strategy_archived|shadow|stale|paused)$/;

/** Each task has come to an end once, as published and as logged, and nothing that is no task has. */
function executionViolations({ tasks, executions, outcomes }: Facts): Violation[] {
  const found: Violation[] = [];
  const published = grouped(executions, ({ fields }) => {
    const { strategy_id } = JSON.parse(fields["data"] ?? "{}") as { strategy_id?: number };
    return `${fields["entry_id"]} ${strategy_id}`;
  });
  const logged = grouped(
    outcomes.filter(({ stage }) => stage === "execution"),
    ({ entry_id, strategy_id }) => `${entry_id} ${strategy_id}`,
  );
  const handedOn = new Set(tasks.map(({ fields }) => `${fields["entry_id"]} ${fields["strategy_id"]}`));
  for (const name of new Set([...handedOn, ...published.keys(), ...logged.keys()])) {
    const [entryId = ""] = name.split(" ");
    const ends = published.get(name)?.length ?? 0;
    const rows = logged.get(name) ?? [];
    if (!handedOn.has(name)) found.push({ entryId, text: `an outcome of execution without a task: ${name}` });
    else if (ends !== 1 || rows.length !== 1)
      found.push({ entryId, text: `task ${name} has ${ends} outcomes and ${rows.length} rows` });
    for (const { status, reason } of rows) {
      const fits =
        status === "executed" ? reason === null : status === "ignored" && NOT_RUN.test(reason ?? "");
      if (!fits) found.push({ entryId, text: `task ${name} ended ${status}: ${reason}` });
    }
  }
  return found;
}

/** Same symbol, phrase and bar – or same given uid – same uid; and the other way round. */
function identityViolations(facts: Facts, entries: ReadonlyMap<string, Entry>): Violation[] {
  const found: Violation[] = [];
  const uids = new Map<string, string>();
  const identities = new Map<string, string>();
  for (const { entry_id: entryId, uid, status } of facts.rows) {
    const fields = entries.get(entryId)?.fields;
    if (fields === undefined || status === "rejected" || uid === null) continue;
    const { message = "", symbol = "", bar_time = "", time = "" } = fields;
    const bar = bar_time === "" ? Number(time) * 1000 : Date.parse(bar_time);
    const key = [message.trim().toUpperCase(), symbol.trim().toUpperCase().replace(/\.P$/, ""), bar];
    const identity =
      fields["uid"] === undefined || fields["uid"] === "" ? JSON.stringify(key) : fields["uid"];
    if ((uids.get(identity) ?? uid) !== uid || (identities.get(uid) ?? identity) !== identity)
      found.push({
        entryId,
        text: `uid ${uid} for ${identity}, which has been ${uids.get(identity)} before`,
      });
    uids.set(identity, uid);
    identities.set(uid, identity);
  }
  return found;
}

/** Counters are the rows, counted. */
function counterViolations({ rows, outcomes, deadLetters, results, metrics }: Facts): Violation[] {
  const counted = new Map<string, number>();
  const count = (name: string): void => void counted.set(name, (counted.get(name) ?? 0) + 1);
  for (const { status, reason } of rows) {
    count(`signals:${status}`);
    if (reason !== null) count(`reasons:${reason}`);
  }
  for (const { strategy_id, status, stage } of outcomes) {
    count(`${stage === "routing" ? "strategy" : "execution"}:${strategy_id}:${status}`);
  }
  for (const { fields } of deadLetters) count(`dead_letters:${fields["function"]}`);
  const names = new Set(counted.keys());
  let measured = 0;
  for (const [name, value] of Object.entries(metrics)) {
    if (/^(?:signals|reasons|strategy|execution|dead_letters):/.test(name)) names.add(name);
    if (name.startsWith("processing_ms:process-signals:le:")) measured += Number(value);
  }
  const found = [...names].flatMap((name): Violation[] => {
    const rowsCounted = counted.get(name) ?? 0;
    const counter = Number(metrics[name] ?? 0);
    return counter === rowsCounted
      ? []
      : [{ text: `counter ${name} is ${counter}, counted are ${rowsCounted}` }];
  });
  const committed =
    results.length + deadLetters.filter(({ fields }) => fields["stream"] === "signals_stream").length;
  if (measured !== committed)
    found.push({ text: `processing times of ${measured} signals for ${committed} committed ones` });
  return found;
}

/** Nothing is left to do, nothing was removed, nobody gave up, and the reference never went back. */
function leftoverViolations(facts: Facts, { revisionOf }: Evidence): Violation[] {
  const found: Violation[] = facts.seen.map((text) => ({ text }));
  for (const { name, pending, behind } of facts.groups) {
    if (pending > 0 || behind)
      found.push({ text: `${name} has ${pending} pending entries${behind ? " and was not given all" : ""}` });
  }
  for (const name of ["entries", "results", "tasks", "deadLetters"] as const) {
    const added = facts.added[name] ?? 0;
    const there = facts[name].length + (name === "results" ? facts.executions.length : 0);
    if (added !== there) found.push({ text: `of ${added} ${name} added, ${there} are there` });
  }
  for (const { id, fields } of facts.deadLetters) {
    const { stream, entry_id, reason, error } = fields;
    found.push({ text: `dead letter ${id}: entry ${entry_id} of ${stream}, ${reason}: ${error}` });
  }
  for (const event of facts.criticalEvents) found.push({ text: `CRITICAL event of ${event}` });
  let current = 0;
  for (const { at, version } of facts.observations) {
    const seen = revisionOf.get(version) ?? -1;
    if (seen < current)
      found.push({ text: `reference went from revision ${current} to ${seen} (${version}) at ${at}` });
    current = seen;
  }
  return found;
}

function msOf(id: string): number {
  return Number(id.split("-")[0]);
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item) ?? "";
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
