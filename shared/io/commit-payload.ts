import { Packr } from "msgpackr/pack";
import type { Append, Branch } from "../function.ts";

/** Lua cannot unpack more than some 8,000 values at once, and an error in mid-script would lose entries. */
const APPEND_FIELDS_MAX = 500;

/** Effects that cannot be committed as they are, now or later: whoever made them has a flaw. */
export class EffectsError extends Error {
  override readonly name = "EffectsError";
}

/** What branches are made of, for the commit script: names once, values in one flat list. */
export interface Payload {
  /** Streams appended to, by their place (from 1). */
  targets(): readonly Append["stream"][];
  /** Appends so far, and roughly the bytes of their values. */
  size(): PayloadSize;
  /** Values so far, for {@link cutTo}. */
  mark(): PayloadMark;
  /** Forgets all values added since; names, shapes and targets stay, which does no harm. */
  cutTo(mark: PayloadMark): void;
  /** Adds values as they are. */
  push(...values: readonly (string | number)[]): void;
  /** Adds a branch behind the number of values it has. @throws EffectsError */
  pushBranch(branch: Branch): void;
  /** The last argument of the commit script. */
  pack(): Buffer;
}

export interface PayloadSize {
  readonly appends: number;
  readonly bytes: number;
}

export interface PayloadMark extends PayloadSize {
  readonly values: number;
}

/** Names of an append's fields, which most appends to a stream have in common. */
interface Shape {
  readonly place: number;
  readonly own: readonly string[];
  readonly shared: readonly string[];
}

/** Arrays, strings and whole numbers only, which any MessagePack reads; Redis' has no records. */
const packr = new Packr({ useRecords: false });

export function openPayload(): Payload {
  const values: (string | number)[] = [];
  const targets = indexed<Append["stream"]>();
  const counters = indexed<string>();
  const shapes = new Map<Append["stream"], Shape[]>();
  const shapeList: (string | number)[][] = [];
  const counted = new Map<readonly string[], readonly number[]>();
  let appends = 0;
  let bytes = 0;

  /** The shape with these names; most often the one seen first. */
  function shapeOf({ stream, fields, each }: Append): Shape {
    const own = each?.[0] ?? NO_FIELDS;
    const known = shapes.get(stream) ?? [];
    for (const shape of known) {
      if (hasNames(own, shape.own) && hasNames(fields, shape.shared)) return shape;
    }
    const shape = { place: shapeList.length + 1, own: Object.keys(own), shared: Object.keys(fields) };
    const count = shape.own.length + shape.shared.length;
    if (count > APPEND_FIELDS_MAX) {
      throw new EffectsError(
        `an append of ${count} fields is more than the commit takes (${APPEND_FIELDS_MAX})`,
      );
    }
    shapes.set(stream, [...known, shape]);
    shapeList.push([targets.placeOf(stream), shape.own.length, ...shape.own, ...shape.shared]);
    return shape;
  }

  /** Many signals raise the very same counters, by the very same list. */
  function placesOf(count: readonly string[]): readonly number[] {
    const known = counted.get(count);
    if (known !== undefined) return known;
    const places = count.map((counter) => counters.placeOf(counter));
    counted.set(count, places);
    return places;
  }

  function pushValue(value: string): void {
    values.push(value);
    bytes += value.length;
  }

  function pushAppend(append: Append): void {
    const { fields, each } = append;
    const { place, own, shared } = shapeOf(append);
    const count = each?.length ?? 1;
    if (count > 0 && own.length + shared.length === 0) {
      throw new EffectsError("an entry without fields cannot be appended");
    }
    values.push(place, count);
    appends += count;
    for (const variant of each ?? NO_VARIANTS) {
      for (const name of own) pushValue(variant[name] ?? differing(name));
      if (Object.keys(variant).length !== own.length) differing(Object.keys(variant).join(", "));
    }
    for (const name of shared) pushValue(fields[name] ?? "");
  }

  return {
    targets: () => targets.names(),
    size: () => ({ appends, bytes }),
    mark: () => ({ values: values.length, appends, bytes }),
    cutTo(mark) {
      values.length = mark.values;
      ({ appends, bytes } = mark);
    },
    push: (...more) => void values.push(...more),
    pushBranch({ append, count, sum = {} }) {
      const sizeAt = values.push(0) - 1;
      values.push(append.length);
      for (const each of append) pushAppend(each);
      values.push(count.length);
      for (const place of placesOf(count)) values.push(place);
      const amounts = Object.entries(sum);
      values.push(amounts.length);
      for (const [counter, amount] of amounts) values.push(counters.placeOf(counter), amountOf(amount));
      values[sizeAt] = values.length - 1 - sizeAt;
    },
    pack: () => packr.pack([counters.names(), shapeList, values]),
  };
}

const NO_FIELDS: Readonly<Record<string, string>> = {};
const NO_VARIANTS: readonly Readonly<Record<string, string>>[] = [];

interface Indexed<Name extends string> {
  /** 1-based place of the name, given to it at first sight. */
  placeOf(name: Name): number;
  names(): readonly Name[];
}

function indexed<Name extends string>(): Indexed<Name> {
  const places = new Map<Name, number>();
  return {
    placeOf(name) {
      const known = places.get(name);
      if (known !== undefined) return known;
      places.set(name, places.size + 1);
      return places.size;
    },
    names: () => [...places.keys()],
  };
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

function amountOf(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new EffectsError(`a counter cannot be raised by ${amount}`);
}

function differing(names: string): never {
  throw new EffectsError(`elements of one append have different fields (${names})`);
}
