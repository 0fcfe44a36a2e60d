import { EffectsError } from "../../commit.ts";
import type { Fields } from "../../entry.ts";

/** The elements of an append (`each`), ready to be sent. */
export interface ElementList {
  /** Names of the fields that every element has. */
  readonly elementFields: readonly string[];
  readonly elementCount: number;
  /** Approximate size of all values. */
  readonly bytes: number;
  readonly packed: PackedElementList;
}

export type PackedElementList = readonly [elementCount: number, ...elementValues: string[]];

/** @throws EffectsError when the elements have different fields */
export function elementListOf(each: readonly Fields[]): ElementList {
  const elementFields = Object.keys(each[0] ?? {});
  const packed: [number, ...string[]] = [each.length];
  let bytes = 0;
  for (const element of each) {
    const found = Object.keys(element);
    if (found.length !== elementFields.length) throwDifferent(found);
    for (const name of elementFields) {
      const value = element[name] ?? throwDifferent(found);
      bytes += value.length;
      packed.push(value);
    }
  }
  return { elementFields, elementCount: each.length, bytes, packed };
}

function throwDifferent(names: readonly string[]): never {
  throw new EffectsError(`elements of one append have different fields (${names.join(", ")})`);
}
