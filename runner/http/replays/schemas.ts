import { z } from "@hono/zod-openapi";
import { EXIT_UID_LENGTH_MORE } from "../../../shared/decide/exit-uid.ts";
import { BOUND_FORMS, boundOf, compareEntryIds } from "../../../shared/entry-range.ts";
import { entryTime } from "../../../shared/entry.ts";
import { SIGNAL_STATUSES } from "../../../shared/reasons.ts";
import { noCounts, REPLAY_OUTCOMES } from "../../replay/replayed-signal.ts";
import { REPLAY_MODES, type ReplayRequest } from "../../replay/request.ts";
import { differenceSchema } from "../difference-schema.ts";
import { durationSchema, membersOf, oneOf, textUpTo } from "../expected.ts";
import { problemSchema } from "../problem.ts";
import { byName, entryIdSchema, reasonText } from "../routes.ts";

/** What `POST /replays` accepts and answers. */

/** Longest list of ids or uids in one request. */
const LIST_MAX = 10_000;

const bound = z
  .union([z.string(), z.number()], `expected ${BOUND_FORMS}`)
  .transform(String)
  .describe("ISO 8601, Unix time, or an entry id; times are those of arrival")
  .openapi({ example: "2026-01-05T10:00:00Z" });

const RANGE_EXAMPLE = '{"from": "2026-01-05T10:00:00Z"}';
const IDS_TEXT = `expected a list of 1 to ${LIST_MAX} entry ids, such as ["1700000000000-0"]`;
const UIDS_TEXT = `expected a list of 1 to ${LIST_MAX} uids, such as ["9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6"]`;
const SNAPSHOT_TEXT = "expected `current`, `logged` or a version, 1 to 64 characters, such as current";

const STRATEGIES_MAX = 1_000;
const STRATEGIES_TEXT = `expected a list of 1 to ${STRATEGIES_MAX} ids or names of strategies, such as [4, "Trend follower"]`;
const STRATEGY_TEXT = 'expected the id or name of a strategy, such as 4 or "Trend follower"';
const INVOCATION_TEXT =
  "expected 8 to 64 of the characters A-Z, a-z, 0-9, _ and -, such as lost-orders-2026-01-05";

/** That of an exit is longer than the one it brought. */
const recordedUid = textUpTo(256 + EXIT_UID_LENGTH_MORE, {
  what: "a uid",
  example: "9f2c4e0b7d1a4c5e8f90a1b2c3d4e5f6",
});

const strategyChoice = z
  .union([z.int().positive(), z.string().min(1).max(1_000)], STRATEGY_TEXT)
  .transform(String);

export const replayRequestSchema = membersOf(
  {
    from: bound.optional(),
    to: bound.optional().describe("inclusive; default: now"),
    since: durationSchema
      .optional()
      .describe("those that arrived in the last hours, before `to` if it is given, in place of `from`"),
    ids: z.array(entryIdSchema, IDS_TEXT).min(1, IDS_TEXT).max(LIST_MAX, IDS_TEXT).optional(),
    uids: z.array(recordedUid, UIDS_TEXT).min(1, UIDS_TEXT).max(LIST_MAX, UIDS_TEXT).optional(),
    mode: oneOf(REPLAY_MODES).default("dry-run"),
    dryRun: z
      .boolean("expected true or false, such as true")
      .default(false)
      .describe("with `missing` or `force`: only answer what it would add now, task by task"),
    strategies: z
      .array(strategyChoice, STRATEGIES_TEXT)
      .min(1, STRATEGIES_TEXT)
      .max(STRATEGIES_MAX, STRATEGIES_TEXT)
      .optional()
      .describe("only for `force`: ids or names of the only strategies that get tasks; default: all"),
    invocation: z
      .string(INVOCATION_TEXT)
      .regex(/^[A-Za-z0-9_-]{8,64}$/, INVOCATION_TEXT)
      .optional()
      .describe("only for `force`: your id of this replay; the same call again continues it"),
    snapshot: z
      .string(SNAPSHOT_TEXT)
      .min(1, SNAPSHOT_TEXT)
      .max(64, SNAPSHOT_TEXT)
      .optional()
      .describe(
        "only for a dry run: `current` (default), `logged` (that of each logged decision), or a version",
      ),
    by: byName.optional().describe("required for `force`"),
    reason: reasonText.optional().describe("required for `force`"),
  },
  RANGE_EXAMPLE,
)
  .superRefine((body, context) => {
    const addIssue = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    const range = body.since === undefined ? (body.from ?? body.to) : body.from;
    const selections = [range, body.since, body.ids, body.uids].filter((given) => given !== undefined);
    if (selections.length !== 1)
      addIssue(
        "",
        `expected exactly one of \`from\` (with or without \`to\`), \`since\`, \`ids\` and \`uids\`, such as ${RANGE_EXAMPLE}`,
      );
    else if (body.to !== undefined && body.from === undefined && body.since === undefined)
      addIssue("from", "required with `to`: expected a time before it, such as 2026-01-05T10:00:00Z");
    for (const end of ["from", "to"] as const) {
      const text = body[end];
      if (text !== undefined && boundOf(text, end) === undefined) addIssue(end, `expected ${BOUND_FORMS}`);
    }
    const [from, to] = [boundOf(body.from ?? "", "from"), boundOf(body.to ?? "", "to")];
    if (from !== undefined && to !== undefined && compareEntryIds(from, to) > 0)
      addIssue("to", "expected a time that is not before `from`, such as the same");
    if (body.mode !== "dry-run" && body.snapshot !== undefined && body.snapshot !== "current")
      addIssue(
        "snapshot",
        `only for a dry run: \`${body.mode}\` decides on the current snapshot; expected none, or \`current\``,
      );
    if (body.mode === "dry-run" && body.dryRun)
      addIssue(
        "dryRun",
        "only for `missing` and `force`: `dry-run` is one; expected one of these modes, such as force",
      );
    if (body.mode !== "force") {
      const { strategies, invocation } = body;
      if (strategies !== undefined) addIssue("strategies", ONLY_FORCE_CHOOSES);
      if (invocation !== undefined) addIssue("invocation", ONLY_FORCE_CONTINUES);
      return;
    }
    if (body.dryRun) return;
    if (body.by === undefined) addIssue("by", "required for `force`: expected who requests it, such as ann");
    if (body.reason === undefined)
      addIssue(
        "reason",
        "required for `force`: expected why signals are to be dispatched again, such as the broker was down",
      );
  })
  .openapi("ReplayRequest");

const ONLY_FORCE_CHOOSES =
  'only for `force`: others decide for every strategy; leave it out, or choose it, such as in {"mode": "force"}';
const ONLY_FORCE_CONTINUES =
  'only for `force`: `missing` may be repeated as it is, since what it has decided is no longer missing; leave it out, such as in {"mode": "missing"}';

/** The replay that a valid body requests. */
export function replayRequestOf(body: z.output<typeof replayRequestSchema>): ReplayRequest {
  const { mode, snapshot = "current", by = mode === "missing" ? "http" : null, reason = null } = body;
  const { dryRun, strategies = null, invocation = null } = body;
  return { selection: selectionOf(body), mode, snapshot, by, reason, dryRun, strategies, invocation };
}

function selectionOf({
  from,
  to,
  since,
  ids,
  uids,
}: z.output<typeof replayRequestSchema>): ReplayRequest["selection"] {
  if (ids !== undefined) return { kind: "ids", ids };
  if (uids !== undefined) return { kind: "uids", uids };
  if (since !== undefined) {
    const end = boundOf(to ?? "", "to");
    if (end === undefined) return { kind: "since", sinceMs: since };
    const range = { from: `${Math.max(0, entryTime(end) - since)}-0`, to: end };
    return { kind: "since", sinceMs: since, range };
  }
  return {
    kind: "range",
    from: boundOf(from ?? "", "from") ?? "",
    to: to === undefined ? undefined : boundOf(to, "to"),
  };
}

const decision = z
  .object({
    status: z.enum(SIGNAL_STATUSES),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    snapshot: z.string(),
    decided_at: z.iso.datetime(),
    duplicate_of: z.string().nullable(),
    outcomes: z.array(
      z.object({
        strategy_id: z.int(),
        strategy: z.string().nullable(),
        status: z.string(),
        reason: z.string().nullable(),
        detail: z.record(z.string(), z.unknown()),
      }),
    ),
  })
  .openapi("ReplayDecision");

/** What is answered of a signal. */
export const replayedSchema = z
  .object({
    entry_id: z.string(),
    uid: z.string().nullable(),
    symbol: z.string().nullable(),
    message: z.string().nullable(),
    source: z.enum(["stream", "log"]),
    logged: decision.nullable(),
    decided: decision.nullable(),
    outcome: z.enum(REPLAY_OUTCOMES).optional(),
    dead_letter: z.string().optional(),
    note: z.string().optional(),
    tasks: z
      .array(z.object({ strategy_id: z.int(), strategy: z.string(), idempotency_key: z.string() }))
      .optional()
      .describe("of `missing` and `force`: the tasks it adds, or with `dryRun` would add"),
    difference: differenceSchema.nullable(),
  })
  .openapi("ReplayedSignal");

const counts = z.object(
  Object.fromEntries(Object.keys(noCounts()).map((name) => [name, z.int().nonnegative()])),
);

/** What is answered of the replay. */
export const summarySchema = z
  .object({
    mode: z.enum(REPLAY_MODES),
    dry_run: z.boolean(),
    snapshot: z.string(),
    invocation: z.string().nullable(),
    strategies: z.array(z.int()).nullable(),
    range: z
      .object({ from: z.string(), to: z.string() })
      .nullable()
      .describe(
        "of signals chosen by time: ids that they are between; give its `to` to repeat the call for the same signals",
      ),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    counts,
    not_found: z.array(z.string()),
  })
  .openapi("ReplaySummary");

/** The answer as JSON. */
export const replayAnswerSchema = z
  .object({
    replay: summarySchema,
    signals: z.array(replayedSchema),
    /** Set when a writing replay stopped before its end; what the answer lists was done. */
    problem: problemSchema.optional(),
  })
  .openapi("ReplayAnswer");

/** A line of the answer in lines: each signal, then the replay, and last a problem if there was one. */
export const replayLineSchema = z
  .union([replayedSchema, z.object({ replay: summarySchema }), z.object({ problem: problemSchema })])
  .openapi("ReplayLine");
