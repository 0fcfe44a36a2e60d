import { z } from "@hono/zod-openapi";
import { outcomeRecordSchema, rawFields, signalRecordSchema } from "../../../shared/records.ts";
import { integerIn, membersOf, oneOf, textUpTo } from "../expected.ts";
import { byName, entryIdSchema, reasonText } from "../routes.ts";
import { taskPreviewSchema } from "./preview-schemas.ts";

/** What the routes of functions accept and answer. */

export const nameParams = z.object({ name: z.string().openapi({ example: "process-signals" }) });

const TEXTS = { type: "object", additionalProperties: { type: "string" } } as const;
const ENTRIES_MAX = 1_000;

const FIELDS = '{"message": "EMA_CROSS_LONG", "symbol": "BTCUSDT", "bar_time": "2026-01-05T10:00:00Z"}';
const FIELDS_TEXT = `expected an object of at least one field, each a text, such as ${FIELDS}`;
export const ENTRIES_EXAMPLE = `[{"fields": ${FIELDS}}]`;
const ENTRIES_TEXT = `expected a list of 1 to ${ENTRIES_MAX} entries, such as ${ENTRIES_EXAMPLE}`;
const INVOCATION_TEXT =
  "expected 1 to 64 letters, digits, - and _, and not `live`, which is reserved for what the router does by itself, such as backfill-1";

const entry = membersOf(
  {
    id: entryIdSchema.optional().describe("default: made from Redis' clock and the position in the list"),
    fields: z
      .custom<Record<string, string>>(
        (value) => rawFields.safeParse(value).success && Object.keys(value ?? {}).length > 0,
        FIELDS_TEXT,
      )
      .meta(TEXTS),
  },
  `{"fields": ${FIELDS}}`,
);

export const runBody = membersOf(
  {
    entries: z
      .array(entry, ENTRIES_TEXT)
      .min(1, ENTRIES_TEXT)
      .max(ENTRIES_MAX, ENTRIES_TEXT)
      .optional()
      .describe("entries to process; none for a job"),
    stream: textUpTo(200, { what: "a stream that the function reads", example: "signal_results" })
      .optional()
      .describe("stream the entries are treated as coming from, if the function reads several"),
    invocation: z
      .string(INVOCATION_TEXT)
      .regex(/^[\w-]{1,64}$/, INVOCATION_TEXT)
      .refine((id) => id !== "live", INVOCATION_TEXT)
      .optional()
      .describe(
        "makes a repeated call harmless: what was committed under the same id is not committed again",
      ),
    by: byName.optional(),
    reason: reasonText.optional(),
  },
  `{"entries": ${ENTRIES_EXAMPLE}}`,
)
  .superRefine(({ entries = [], invocation }, context) => {
    const seen = new Set<string>();
    for (const [i, { id }] of entries.entries()) {
      const path = ["entries", i, "id"];
      if (id === undefined && invocation !== undefined) {
        const message =
          "with `invocation` each entry needs an id such as 1700000000000-0, so that a repeated call recognises it";
        context.addIssue({ code: "custom", path, message });
      } else if (id !== undefined && seen.has(id)) {
        context.addIssue({
          code: "custom",
          path,
          message: `${id} is the id of another entry too: expected one that differs, such as 1700000000000-1`,
        });
      }
      if (id !== undefined) seen.add(id);
    }
  })
  .openapi("FunctionCall");

export const runQuery = membersOf(
  {
    dryRun: oneOf(["true", "false"])
      .default("false")
      .describe("true: answer what would happen and change nothing"),
  },
  "?dryRun=true",
);

const decision = signalRecordSchema.extend({ raw: rawFields.meta(TEXTS) }).openapi("DecisionRecord");

const runAnswer = z
  .object({
    invocation: z.string(),
    results: z.array(
      z.object({
        id: z.string(),
        status: z.enum(["committed", "left"]),
        outcome: z
          .enum(["applied", "duplicate", "held", "fenced"])
          .optional()
          .describe(
            "`duplicate`: another entry has dispatched the uid · `held`: this entry has dispatched it before, nothing was done · `fenced`: an earlier call has committed it",
          ),
        decision: decision.optional().describe("the record that was written"),
        execution: outcomeRecordSchema.optional().describe("what a task came to, as it was recorded"),
        error: z.string().optional().describe("why it was left, or became a dead letter"),
      }),
    ),
  })
  .openapi("FunctionAnswer");

const branch = {
  append: z.array(
    z.object({
      stream: z.string(),
      fields: z.record(z.string(), z.string()),
      each: z.array(z.record(z.string(), z.string())).optional(),
    }),
  ),
  count: z.array(z.string()),
};
const effects = z.object({
  ...branch,
  claim: z
    .object({
      uid: z.string(),
      also: z.string().optional().describe("a second uid, under the symbol as it was sent"),
      if_lost: z.object(branch),
    })
    .optional(),
});

const dryRunAnswer = z
  .object({
    dry_run: z.literal(true),
    results: z.array(
      z.object({
        id: z.string(),
        status: z.enum(["done", "retry", "dead"]),
        outcome: z.enum(["applied", "duplicate", "held"]).optional(),
        decision: decision.optional(),
        effects: effects.optional().describe("what the commit would do"),
        task: taskPreviewSchema.optional().describe("what the strategy of a task would do"),
        reason: z.string().optional(),
        error: z.string().optional(),
      }),
    ),
  })
  .openapi("DryRunAnswer");
export type EffectsView = z.infer<typeof effects>;

const jobAnswer = z
  .looseObject({ job: z.string() })
  .openapi("JobAnswer", { description: "what the job did, or with `dry_run` what it would do" });

export const callAnswer = z.union([runAnswer, dryRunAnswer, jobAnswer]);
export type CallAnswer = z.infer<typeof callAnswer>;

/** Time budget of one call, in ms. */
export const budgetMs = integerIn({ what: "a time in ms", min: 1, max: 55_000, example: 5_000 })
  .default(10_000)
  .describe(
    "time to use, in ms. After it no entry is read and no task is started; entries in flight get 3 s more to finish, and running strategies STRATEGY_TIMEOUT_MS more",
  );

const drained = {
  read: z.int(),
  committed: z.int(),
  left: z.int().describe("read but not committed: pending, and reclaimed after CLAIM_IDLE_MS"),
  empty: z.boolean().describe("no entry was waiting at the end"),
  unavailable: z.string().optional().describe("the dependency whose failure stopped it"),
  held_by: z
    .string()
    .optional()
    .describe("the router that holds the group and works on it: nothing was done here"),
};
export const pollAnswer = z
  .object({
    ...drained,
    took_ms: z.int(),
    streams: z.array(z.object({ stream: z.string(), ...drained })),
  })
  .openapi("PollAnswer");
