import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";

/**
 * The corpus: bodies as people send them, and what becomes of each. A file of this folder is a group, and an element of it is a
 * row; to add one, copy one. What `becomes` does not name is not there: no task, nothing in `extra`.
 */

const texts = z.record(z.string(), z.string());

const signal = z.strictObject({
  /** The decision, and after a colon its reason: `ignored: unknown_ticker`. */
  decision: z.string(),
  symbol: z.string(),
  direction: z.enum(["long", "short", "flat"]).optional(),
  /** The only side that an exit closes. */
  side: z.enum(["long", "short"]).optional(),
  /** Names of the strategies that get a task. */
  tasks: z.array(z.string()).default([]),
  /** Strategies that are told apart by their reason, such as `Keeper: exits_not_taken`. */
  ignored: texts.default({}),
  /** What comes along for the strategies. */
  extra: texts.default({}),
  /** Fields of the entry in `signals_stream`; others may be there too. */
  fields: texts.default({}),
  /** What the detail of the decision has; more may be there. */
  detail: z.record(z.string(), z.unknown()).default({}),
  /** The uid, where it is the sender's. */
  uid: z.string().optional(),
  /** Another row of which this one is a duplicate: it names the same signal. */
  same_signal_as: z.string().optional(),
  /** Another row that is a signal of its own beside this one. */
  another_signal_than: z.string().optional(),
});

const accepted = signal.extend({ status: z.literal(202) });

/** A list of alerts, with the signal that each becomes. */
const acceptedList = z.strictObject({ status: z.literal(202), each: z.array(signal) });

const refused = z.strictObject({
  status: z.int().min(400).max(499),
  code: z.string(),
  /** Where the body breaks: `line 1, column 20`. */
  at: z.string().optional(),
  /** What the answer says, in parts. */
  says: z.union([z.string(), z.array(z.string())]).transform((parts) => [parts].flat()),
});

const rowSchema = z.strictObject({
  name: z.string(),
  /** The webhook it is sent to, by the name of its source. */
  to: z.string().default("tradingview"),
  /** Its Content-Type; default none. */
  type: z.string().optional(),
  body: z.string(),
  encoding: z.enum(["utf8", "latin1", "utf16le"]).default("utf8"),
  /** How often the body is written one after the other. */
  repeated: z.int().default(1),
  becomes: z.union([accepted, acceptedList, refused]),
});
export type CorpusRow = z.infer<typeof rowSchema> & { readonly group: string };
export type CorpusSignal = z.infer<typeof signal>;

/** All rows, group by group. @throws Error for a row that is none */
export function corpusRows(): CorpusRow[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".yaml"));
  return files.toSorted().flatMap((file) => {
    const written = z.array(z.unknown()).parse(parse(readFileSync(join(import.meta.dirname, file), "utf8")));
    return written.map((row) => ({ ...parsedRow(file, row), group: file.replace(".yaml", "") }));
  });
}

function parsedRow(file: string, row: unknown): z.infer<typeof rowSchema> {
  const parsed = rowSchema.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new Error(`${file}: ${JSON.stringify(row)} is no row: ${z.prettifyError(parsed.error)}`);
}

/** The bytes of a row's body. */
export function bytesOf({ body, encoding, repeated }: CorpusRow): Uint8Array {
  return Buffer.from(body.repeat(repeated), encoding);
}

/** The signals that a row becomes; undefined when it is refused. */
export function signalsOf({ becomes }: CorpusRow): readonly CorpusSignal[] | undefined {
  if ("each" in becomes) return becomes.each;
  return becomes.status === 202 && "decision" in becomes ? [becomes] : undefined;
}
