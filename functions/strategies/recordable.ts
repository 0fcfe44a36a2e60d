import * as z from "zod";
import { messageOf } from "../../shared/error-message.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import { PermanentError, RetryableError, type StrategyOutcome } from "../../shared/strategy.ts";
import { cutText, storable } from "../../shared/text.ts";

/** What a handler returned or threw, as the record can hold it: checked, without secrets, of bounded size. */

const DETAIL_BYTES_MAX = 16_384;
const REASON_BYTES_MAX = 200;
const FIELDS_MAX = 100;

const outcomeSchema = z.object({
  status: z.enum(["executed", "ignored", "delegated"]),
  reason: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
  append: z
    .object({
      stream: z.templateLiteral(["strategies:", z.string().regex(/^[A-Za-z0-9_.:-]{1,100}$/)]),
      fields: z
        .record(z.string(), z.string())
        .refine((fields) => Object.keys(fields).length > 0, "expected at least one field")
        .refine(
          (fields) => Object.keys(fields).length <= FIELDS_MAX,
          `expected at most ${FIELDS_MAX} fields`,
        ),
    })
    .optional(),
});

/** How a run ended after which there is no other. */
export interface RecordableOutcome {
  readonly status: StrategyOutcome["status"] | "failed";
  readonly reason: string | null;
  readonly detail: Detail;
  readonly append?: StrategyOutcome["append"];
}

/** The text without the value of any secret. */
type Redact = (text: string) => string;

/** The outcome that a handler returned; a failed one when it is none. */
export function outcomeOf(value: unknown, redact: Redact): RecordableOutcome {
  const parsed = outcomeSchema.safeParse(value);
  if (!parsed.success) {
    return { status: "failed", reason: "invalid_outcome", detail: { error: z.prettifyError(parsed.error) } };
  }
  const { status, reason, detail = {}, append } = parsed.data;
  const outcome = {
    status,
    reason: recordableReason(reason, redact),
    detail: recordableDetail(detail, redact),
  };
  return append === undefined ? outcome : { ...outcome, append };
}

/** What an error of a handler comes to: another attempt, or none. */
export function failureOf(
  error: unknown,
  redact: Redact,
):
  | { readonly status: "again"; readonly error: string }
  | { readonly status: "failed"; readonly reason: string | null; readonly detail: Detail } {
  const message = redact(storable(messageOf(error)));
  if (error instanceof RetryableError) return { status: "again", error: cutText(message) };
  const { reason, detail } = error instanceof PermanentError ? error : { reason: "error", detail: {} };
  return {
    status: "failed",
    reason: recordableReason(reason, redact),
    detail: recordableDetail({ ...detail, error: message }, redact),
  };
}

/** A handler's own reason as the record can hold it. */
function recordableReason(reason: string | undefined, redact: Redact): string | null {
  return reason === undefined ? null : cutText(redact(storable(reason)), REASON_BYTES_MAX);
}

/** A detail as the record can hold it: JSON that Postgres takes. */
export function recordableDetail(detail: Detail, redact: Redact): Detail {
  try {
    const json = JSON.stringify(detail, (_key, value: unknown) => {
      if (typeof value === "string") return redact(storable(value));
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [storable(key), one as unknown]));
    });
    if (Buffer.byteLength(json) <= DETAIL_BYTES_MAX) return JSON.parse(json) as Detail;
    return { cut: cutText(json, DETAIL_BYTES_MAX / 2) };
  } catch (error) {
    return { unreadable: `the detail cannot be written as JSON: ${redact(messageOf(error))}` };
  }
}
