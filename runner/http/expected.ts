import { z } from "@hono/zod-openapi";
import { DURATION_FORMS, durationMs } from "../../shared/duration.ts";

/** Schemas of request values whose error texts say what is expected, with an example. */

/** A whole number in a query. */
export function integerIn(range: IntegerRange) {
  const { min, max } = range;
  const text = integerText(range);
  return z.coerce.number(text).int(text).min(min, text).max(max, text);
}

export interface IntegerRange {
  /** With its article: `a number of milliseconds`. */
  readonly what: string;
  readonly min: number;
  readonly max: number;
  readonly example: number;
}

function integerText({ what, min, max, example }: IntegerRange): string {
  return `expected ${what}, a whole number from ${min} to ${max}, such as ${example}`;
}

/** One of a few values. */
export function oneOf<const Value extends string>(values: readonly Value[]) {
  return z.enum(values, `expected one of ${values.map((value) => `\`${value}\``).join(", ")}`);
}

const DURATION_TEXT = `expected ${DURATION_FORMS}`;

/** A duration such as 2h, in ms. */
export const durationSchema = z
  .string(DURATION_TEXT)
  .transform((text, context): number => {
    const ms = durationMs(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: "custom", message: DURATION_TEXT });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "24h" });

/** A text of limited length, without the space around it. */
export function textUpTo(
  lengthMax: number,
  { what, example }: { readonly what: string; readonly example: string },
) {
  const text = `expected ${what}, 1 to ${lengthMax} characters, such as ${example}`;
  return z.string(text).trim().min(1, text).max(lengthMax, text);
}

/** An object with these members and no others: a misspelt one would be ignored, and with it what the client asks for. */
export function membersOf<Shape extends z.core.$ZodShape>(shape: Shape, example: string) {
  const names = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `not known: ${shown(issue.keys)}; expected only ${names}, such as ${example}`
        : `expected an object of ${names}, such as ${example}`,
  });
}

const NAMES_SHOWN_MAX = 5;
const NAME_LENGTH_MAX = 50;

function shown(names: readonly string[]): string {
  return names
    .slice(0, NAMES_SHOWN_MAX)
    .map((name) => JSON.stringify(name.slice(0, NAME_LENGTH_MAX)))
    .join(", ");
}

/** What a request's issues are reported as: of a union that does not fit, those of the alternative that was meant. */
export function issuesOf(error: z.core.$ZodError): { path: string; message: string }[] {
  return error.issues.flatMap((issue) => flattened(issue, []));
}

function flattened(
  issue: z.core.$ZodIssue,
  before: readonly PropertyKey[],
): { path: string; message: string }[] {
  const path = [...before, ...issue.path];
  if (issue.code === "invalid_union") {
    const meant = issue.errors.filter((issues) => issues.every(isInside));
    const [only] = meant;
    if (only !== undefined && meant.length === 1) return only.flatMap((each) => flattened(each, path));
  }
  return [{ path: path.map(String).join("."), message: issue.message }];
}

/** Whether the fault is in a member; one that is not known means that another alternative was meant. */
function isInside({ path, code }: z.core.$ZodIssue): boolean {
  return path.length > 0 && code !== "unrecognized_keys";
}
