import { z } from "@hono/zod-openapi";
import { CHANGE_KINDS } from "../../../shared/io/reference-edits/changes.ts";
import { DOCUMENT_KINDS } from "../../../shared/reference-document/document-fields.ts";
import { integerIn, membersOf, oneOf } from "../expected.ts";
import { byName, reasonText } from "../routes.ts";

/** What the routes of edits accept and answer. */

const flag = oneOf(["true", "false"]).default("false");

export const editQuery = {
  dryRun: flag.describe("true: only answer what would change"),
  agree: flag.describe("true: what would trade more, and what is removed, is agreed to"),
  by: byName.optional().describe("who changes it, for the history"),
  reason: reasonText.optional().describe("for the history"),
};

export const editQuerySchema = membersOf(editQuery, "?dryRun=true");
export type EditQuery = z.infer<typeof editQuerySchema>;

export const putQuerySchema = membersOf(
  { ...editQuery, prune: flag.describe("true: rows that the document lacks are removed") },
  "?prune=true&dryRun=true",
);

const CHANGE = { what: "the id of a change", min: 1, max: 2_147_483_647, example: 12 };

export const rollbackQuerySchema = membersOf(
  { ...editQuery, change: integerIn(CHANGE).describe("the rows are made what they were after this change") },
  "?change=12",
);

export const changeParams = z.object({ id: integerIn(CHANGE) });

export const changeQuerySchema = membersOf(
  { since: integerIn(CHANGE).optional().describe("default: the change before it") },
  "?since=11",
);

export const changesQuerySchema = membersOf(
  {
    limit: integerIn({ what: "a number of changes", min: 1, max: 200, example: 50 }).default(50),
    before: integerIn(CHANGE).optional().describe("`next` of the page before"),
  },
  "?limit=50",
);

const kind = oneOf(DOCUMENT_KINDS);
export const kindParams = z.object({ kind });
export const rowParams = z.object({
  kind,
  name: z
    .string()
    .min(1)
    .max(1_000)
    .describe("the name, the symbol of a ticker, or the alias, percent-encoded"),
});

export const ifMatchHeaders = z.object({
  "if-match": z.string().optional().describe("the ETag of the document that the edit was made on, or *"),
});

const lines = z.array(z.string());

export const editAnswerSchema = z
  .object({
    status: z.enum(["done", "unchanged", "previewed"]),
    change: z.int().nullable().describe("its id in the history; null: nothing was changed"),
    version: z.string().describe("of the snapshot after it"),
    current: z
      .boolean()
      .nullable()
      .describe("whether signals are decided on it now; null: it was only previewed"),
    will_trade_more: lines,
    will_remove: lines,
    changes: lines.describe("with old and new values; of addresses only the host"),
    warnings: lines.describe("what is odd, although it may be meant"),
  })
  .openapi("ReferenceEdited");
export type EditAnswerBody = z.infer<typeof editAnswerSchema>;

/** Its rows are described by the JSON Schema of documents. */
export const documentSchema = z
  .looseObject({
    tickers: z
      .array(z.looseObject({ symbol: z.string() }))
      .optional()
      .describe("absent, as signals and strategies are, while they are another system's"),
    signals: z.array(z.looseObject({ name: z.string() })).optional(),
    strategies: z.array(z.looseObject({ name: z.string() })).optional(),
    aliases: z.array(z.looseObject({ alias: z.string() })).optional(),
    sources: z.array(z.looseObject({ name: z.string() })).optional(),
  })
  .openapi("ReferenceDocument");

export const changeSchema = z
  .object({
    id: z.int(),
    at: z.string(),
    by: z.string().describe("`sql`: it was made by SQL, and seen by a refresh"),
    reason: z.string().nullable(),
    kind: z.enum(CHANGE_KINDS),
    version_before: z.string().nullable(),
    version_after: z.string(),
  })
  .openapi("ReferenceChange");

export const changesSchema = z
  .object({
    changes: z.array(changeSchema).describe("the newest first"),
    next: z.int().nullable().describe("`before` for the next page; null: this is the last page"),
  })
  .openapi("ReferenceChanges");

export const shownChangeSchema = changeSchema
  .extend({
    changes: lines.describe("what it has changed, or what differs since `since`"),
    document: documentSchema,
  })
  .openapi("ShownReferenceChange");
