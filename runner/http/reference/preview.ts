import { createRoute, z } from "@hono/zod-openapi";
import { takeLease } from "../../../shared/io/redis/lease.ts";
import { readDraft } from "../../../shared/io/reference-edits/draft.ts";
import { documentJsonSchema } from "../../../shared/reference-document/json-schema.ts";
import { parseDocument } from "../../../shared/reference-document/parse-document.ts";
import { UnavailableError } from "../../engine/retry-until-stopped.ts";
import { previewDraft, PREVIEW_SIGNALS_MAX, type DraftPreview } from "../../replay/draft-preview.ts";
import type { Services } from "../../setup/services.ts";
import { differenceSchema } from "../difference-schema.ts";
import { durationSchema, membersOf, oneOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { asProblem, refused } from "./answer.ts";

/** `POST /reference/preview`: what a document would have changed in the decisions of the last hours. */
export function previewRoutes({ services }: HttpDeps) {
  return newRoutes().openapi(previewRoute, async (c) => {
    const { replay: sinceMs, prune } = c.req.valid("query");
    const parsed = parseDocument(await c.req.text());
    if (!parsed.ok) throw refused(parsed.faults);
    const edit = { document: parsed.document, prune: prune === "true" };
    const { is, draft, faults } = await readDraft(services.database, edit).catch(asProblem);
    if (faults.length > 0) throw refused(faults);
    const preview = await alone(services, c.req.raw.signal, async (goesOn) =>
      previewDraft({ is, draft, sinceMs }, services, { goesOn }),
    );
    return c.json(viewOf(preview), 200);
  });
}

/** Longest preview, in ms; after it the lease of one that died is free again. */
const PREVIEW_MS_MAX = 300_000;

/** Runs the only preview of the router. @throws Problem when there is another, UnavailableError when it takes too long */
async function alone<T>(
  { redis, keys, stopping }: Pick<Services, "redis" | "keys" | "stopping">,
  disconnected: AbortSignal,
  preview: (goesOn: () => void) => Promise<T>,
): Promise<T> {
  const lease = await takeLease(redis, keys.lease("preview", "reference"), PREVIEW_MS_MAX);
  if (lease === undefined) throw otherRuns();
  const until = performance.now() + PREVIEW_MS_MAX;
  try {
    return await preview(() => {
      disconnected.throwIfAborted();
      if (stopping?.aborted === true) throw new UnavailableError("the preview was ended: the router stops");
      if (performance.now() < until) return;
      throw new UnavailableError("the preview was ended after 5 minutes: choose a shorter time");
    });
  } finally {
    await lease.release();
  }
}

function otherRuns(): Problem {
  const detail = "another preview is running, and a router makes one at a time";
  return new Problem({ status: 409, code: "preview_running", detail, hint: "repeat it when that has ended" });
}

const querySchema = membersOf(
  {
    replay: durationSchema.describe("how far back"),
    prune: oneOf(["true", "false"])
      .default("false")
      .describe("true: rows that the document lacks would be removed"),
  },
  "?replay=24h",
);

const totals = z.object({
  strategy_id: z.int(),
  strategy: z.string(),
  was: z.int().describe("signals dispatched to it by the reference as it is"),
  now: z.int().describe("by the draft"),
  more: z.int().describe("only by the draft"),
  fewer: z.int().describe("only by the reference as it is"),
});

export const previewSchema = z
  .object({
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    decided: z.int().describe("signals that were decided, by both"),
    limited: z
      .boolean()
      .describe(`older signals of this time were left out: it had more than ${PREVIEW_SIGNALS_MAX}`),
    version: z.string().describe("of the reference as it is"),
    version_draft: z.string().describe("of the draft; the same: the edit changes no decision"),
    differing: z.int().describe("signals with another decision"),
    strategies: z.array(totals).describe("those that a signal is dispatched to, by either"),
    signals: z
      .array(
        z.object({
          entry_id: z.string(),
          uid: z.string().nullable(),
          symbol: z.string().nullable(),
          message: z.string().nullable(),
          difference: differenceSchema,
        }),
      )
      .describe("of the differing ones the newest 200, newest first; `was`: as it is, `now`: by the draft"),
  })
  .openapi("ReferencePreview");
export type PreviewBody = z.infer<typeof previewSchema>;

const { $schema: _, ...documentBody } = documentJsonSchema();

const previewRoute = createRoute({
  method: "post",
  path: "/reference/preview",
  summary: "What a document would have changed in the decisions of the last hours",
  description:
    "The body is a document as for PUT, and nothing is stored. The reference as it is and the draft are both decided for the same signals, with the pauses, time and duplicates that were logged, so that only the edit shows.",
  security: BEARER,
  tags: ["reference"],
  request: {
    query: querySchema,
    body: {
      required: true,
      // No schemas that are checked here: they would have the body read as JSON before its faults are found.
      content: {
        "application/json": { schema: documentBody },
        "application/yaml": { schema: { type: "string" } },
      },
    },
  },
  responses: {
    200: json(previewSchema, "what differs"),
    ...problems(400, 401, 409, 413, 415, 422, 503),
  },
});

function viewOf({ from, to, isCut, versions, strategies, signals, ...counts }: DraftPreview): PreviewBody {
  return {
    ...counts,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    limited: isCut,
    version: versions.is,
    version_draft: versions.draft,
    strategies: [...strategies],
    signals: signals.map(({ difference, ...signal }) => ({
      ...signal,
      difference: { signal: difference.signal, strategies: [...difference.strategies] },
    })),
  };
}
