import { EffectsError } from "../../commit.ts";
import type { Fields } from "../../entry.ts";
import type { Append } from "../../function.ts";

/** What many appends to a stream have in common: an XADD whose values that differ are left empty, at its *slots*. */
export interface Shape {
  /** From 1. */
  readonly index: number;
  readonly stream: Append["stream"];
  readonly elementFields: readonly string[];
  readonly common: Fields;
  /** Names of the append's `fields`: those whose values are in the message, and those that have a separate argument. */
  readonly fields: readonly string[];
  readonly inlineFields: readonly string[];
  readonly separateFields: readonly string[];
  /** Number of fields of each entry it adds. */
  readonly fieldCount: number;
  readonly packed: PackedShape;
}

export type PackedShape = readonly [
  add: readonly (string | number)[],
  elementFieldCount: number,
  inlineSlots: readonly number[],
  separateSlots: readonly number[],
];

/** An append without its elements. */
export type Shaped = Required<Omit<Append, "each">>;

/** Lua cannot unpack more than some 8,000 values at once, and an error in mid-script would lose entries. */
const APPEND_FIELDS_MAX = 500;

/**
 * If the first value of a field is at least this long, all its values are separate arguments: Lua goes through every
 * byte of a string when it makes one, and in the message that would happen twice.
 */
const SEPARATE_LENGTH_MIN = 128;

/** @throws EffectsError when there are too many fields */
export function newShape(
  { stream, fields, common }: Shaped,
  elementFields: readonly string[],
  { index, streamIndex }: { readonly index: number; readonly streamIndex: number },
): Shape {
  const names = Object.keys(fields);
  const fieldCount = elementFields.length + Object.keys(common).length + names.length;
  if (fieldCount > APPEND_FIELDS_MAX) {
    throw new EffectsError(
      `an append of ${fieldCount} fields is more than the commit takes (${APPEND_FIELDS_MAX})`,
    );
  }
  const add: (string | number)[] = ["XADD", streamIndex, "*"];
  for (const name of elementFields) add.push(name, "");
  for (const name in common) add.push(name, common[name] ?? "");
  const inlineFields: string[] = [];
  const inlineSlots: number[] = [];
  const separateFields: string[] = [];
  const separateSlots: number[] = [];
  for (const name of names) {
    const slot = add.push(name, "");
    const isSeparate = (fields[name] ?? "").length >= SEPARATE_LENGTH_MIN;
    (isSeparate ? separateFields : inlineFields).push(name);
    (isSeparate ? separateSlots : inlineSlots).push(slot);
  }
  const packed: PackedShape = [add, elementFields.length, inlineSlots, separateSlots];
  return {
    index,
    stream,
    elementFields,
    common,
    fields: names,
    inlineFields,
    separateFields,
    fieldCount,
    packed,
  };
}

/** Whether the append has this shape: the same names in the same order, and the very same object of common fields. */
export function hasShape(
  { stream, fields, common }: Shaped,
  elementFields: readonly string[],
  shape: Shape,
): boolean {
  if (shape.stream !== stream || shape.common !== common) return false;
  return isSame(elementFields, shape.elementFields) && hasNames(fields, shape.fields);
}

function hasNames(fields: Fields, names: readonly string[]): boolean {
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
