import type { Fields } from "../../entry.ts";
import type { Append } from "../../function.ts";

/** Lua cannot unpack more than some 8,000 values at once, and an error in mid-script would lose entries. */
const APPEND_FIELDS_MAX = 500;

/** Effects that cannot be committed as they are, now or later: whoever made them has a flaw. */
export class EffectsError extends Error {
  override readonly name = "EffectsError";
}

/**
 * Where the first value of a field is at least this long, all of its values are arguments of their own: Lua goes through every
 * byte of a string when it makes one, and in the packed argument that would happen twice.
 */
const SEPARATE_LENGTH_MIN = 128;

/** Names of an append's fields, which most appends to a stream have in common, and the values these have too. */
export interface Shape {
  readonly stream: Append["stream"];
  readonly index: number;
  /** Place of the stream. */
  readonly streamIndex: number;
  readonly elementFields: readonly string[];
  readonly common: Fields;
  /** Of the fields that are neither. */
  readonly names: readonly string[];
  /** Those of the names whose values are packed. */
  readonly inline: readonly string[];
  /** Those whose values are arguments of their own. */
  readonly separate: readonly string[];
  /** Of all fields. */
  readonly size: number;
}

/** An append without its elements. */
export type Shaped = Required<Omit<Append, "each">>;

/** Whether an append with elements of these fields has this shape. */
export function hasShape(
  { stream, fields, common }: Shaped,
  elementFields: readonly string[],
  shape: Shape,
): boolean {
  if (shape.stream !== stream || shape.common !== common) return false;
  return isSame(elementFields, shape.elementFields) && hasNames(fields, shape.names);
}

/** @throws EffectsError when there are too many fields */
export function newShape(
  { stream, fields, common }: Shaped,
  elementFields: readonly string[],
  { index, streamIndex }: Pick<Shape, "index" | "streamIndex">,
): Shape {
  const names = Object.keys(fields);
  const isLong = (name: string): boolean => (fields[name] ?? "").length >= SEPARATE_LENGTH_MIN;
  const size = elementFields.length + Object.keys(common).length + names.length;
  if (size > APPEND_FIELDS_MAX) {
    throw new EffectsError(
      `an append of ${size} fields is more than the commit takes (${APPEND_FIELDS_MAX})`,
    );
  }
  const inline = names.filter((name) => !isLong(name));
  return {
    stream,
    index,
    streamIndex,
    elementFields,
    common,
    names,
    inline,
    separate: names.filter(isLong),
    size,
  };
}

/** The shape as the script wants it: an XADD with gaps. */
export function packable({ streamIndex, elementFields, common, names, separate }: Shape): unknown[] {
  const add: (string | number)[] = ["XADD", streamIndex, "*"];
  for (const name of elementFields) add.push(name, "");
  for (const name in common) add.push(name, common[name] ?? "");
  const inlinePlaces: number[] = [];
  const apartPlaces: number[] = [];
  for (const name of names) {
    const index = add.push(name, "");
    (separate.includes(name) ? apartPlaces : inlinePlaces).push(index);
  }
  return [add, elementFields.length, inlinePlaces, apartPlaces];
}

/** Whether the fields have these names, in this order. */
function hasNames(fields: Readonly<Record<string, string>>, names: readonly string[]): boolean {
  let i = 0;
  for (const name in fields) {
    if (names[i] !== name) return false;
    i += 1;
  }
  return i === names.length;
}

function isSame(names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name, i) => name === others[i]);
}
