import { Packr } from "msgpackr/pack";
import type { Fields } from "../entry.ts";
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
  /** Forgets all that was added since. */
  cutTo(mark: PayloadMark): void;
  /** Adds values as they are. */
  push(...values: readonly (string | number)[]): void;
  /** Adds a branch behind the number of values it has. @throws EffectsError */
  pushBranch(branch: Branch): void;
  /** The last arguments of the commit script. */
  pack(): readonly (Buffer | string)[];
}

export interface PayloadSize {
  readonly appends: number;
  readonly bytes: number;
}

/** How much there was of everything that is sent. */
export interface PayloadMark extends PayloadSize {
  readonly values: number;
  readonly apart: number;
  readonly targets: number;
  readonly counters: number;
  readonly shapes: number;
  readonly elements: number;
  readonly counted: number;
}

/** Names of an append's fields, which most appends to a stream have in common, and the values these have too. */
interface Shape {
  readonly place: number;
  readonly own: readonly string[];
  readonly common: Fields;
  /** Of the fields that are neither. */
  readonly names: readonly string[];
  /** Those of the names whose values are packed. */
  readonly inline: readonly string[];
  /** Those whose values are arguments of their own. */
  readonly apart: readonly string[];
  /** Of all fields. */
  readonly size: number;
}

/** The elements of an append. */
interface Elements {
  readonly place: number;
  readonly names: readonly string[];
  readonly count: number;
  /** Roughly, of all their values. */
  readonly bytes: number;
}

/** Arrays, strings and whole numbers only, which any MessagePack reads; Redis' has no records. */
const packr = new Packr({ useRecords: false });

/**
 * Where the first value of a field is at least this long, all of its values are arguments of their own: Lua goes through every
 * byte of a string when it makes one, and in the packed argument that would happen twice.
 */
const APART_LENGTH_MIN = 128;

export function openPayload(): Payload {
  const values: (string | number)[] = [];
  const apart: string[] = [];
  const targets = indexed<Append["stream"]>();
  const counters = indexed<string>();
  const shapes = new Map<Append["stream"], Shape[]>();
  const shapeList: unknown[][] = [];
  const elements = new Map<readonly Fields[], Elements>();
  const elementLists: (string | number)[][] = [];
  const counted = new Map<readonly string[], number>();
  const countedLists: (readonly number[])[] = [];
  let appends = 0;
  let bytes = 0;

  /** Many signals have the very same list of elements, made for all of them. */
  function elementsOf(each: readonly Fields[]): Elements {
    const known = elements.get(each);
    if (known !== undefined) return known;
    const names = Object.keys(each[0] ?? NO_FIELDS);
    const list: string[] = [];
    let length = 0;
    for (const element of each) {
      const found = Object.keys(element);
      if (found.length !== names.length) differing(found);
      for (const name of names) {
        const value = element[name] ?? differing(found);
        length += value.length;
        list.push(value);
      }
    }
    const made = {
      place: elementLists.push([each.length, ...list]),
      names,
      count: each.length,
      bytes: length,
    };
    elements.set(each, made);
    return made;
  }

  /** The shape with these names and this very object of common fields; most often the one seen first. */
  function shapeOf({ stream, fields, common = NO_FIELDS }: Append, { names: own }: Elements): Shape {
    const known = shapes.get(stream) ?? [];
    for (const shape of known) {
      if (shape.common === common && isSame(own, shape.own) && hasNames(fields, shape.names)) return shape;
    }
    const shape = newShape(shapeList.length + 1, own, { fields, common });
    shapes.set(stream, [...known, shape]);
    shapeList.push(packable(shape, targets.placeOf(stream)));
    return shape;
  }

  /** Many signals raise the very same counters, by the very same list. */
  function countedPlace(count: readonly string[]): number {
    const known = counted.get(count);
    if (known !== undefined) return known;
    const place = countedLists.push(count.map((counter) => counters.placeOf(counter)));
    counted.set(count, place);
    return place;
  }

  function pushAppend(append: Append): void {
    const { fields, each } = append;
    const list = each === undefined ? SINGLE : elementsOf(each);
    const shape = shapeOf(append, list);
    if (list.count > 0 && shape.size === 0) {
      throw new EffectsError("an entry without fields cannot be appended");
    }
    values.push(shape.place, list.place);
    appends += list.count;
    bytes += list.bytes;
    for (const name of shape.inline) {
      const value = fields[name] ?? "";
      bytes += value.length;
      values.push(value);
    }
    for (const name of shape.apart) {
      const value = fields[name] ?? "";
      bytes += value.length;
      values.push(apart.push(value));
    }
  }

  return {
    targets: () => targets.names(),
    size: () => ({ appends, bytes }),
    mark: () => ({
      values: values.length,
      apart: apart.length,
      targets: targets.count(),
      counters: counters.count(),
      shapes: shapeList.length,
      elements: elementLists.length,
      counted: countedLists.length,
      appends,
      bytes,
    }),
    cutTo(mark) {
      values.length = mark.values;
      apart.length = mark.apart;
      targets.cutTo(mark.targets);
      counters.cutTo(mark.counters);
      shapeList.length = mark.shapes;
      elementLists.length = mark.elements;
      countedLists.length = mark.counted;
      for (const [stream, known] of shapes) {
        shapes.set(
          stream,
          known.filter(({ place }) => place <= mark.shapes),
        );
      }
      for (const [each, { place }] of elements) if (place > mark.elements) elements.delete(each);
      for (const [count, place] of counted) if (place > mark.counted) counted.delete(count);
      ({ appends, bytes } = mark);
    },
    push: (...more) => void values.push(...more),
    pushBranch({ append, count, sum }) {
      const sizeAt = values.push(0) - 1;
      values.push(append.length);
      for (const each of append) pushAppend(each);
      values.push(countedPlace(count));
      if (sum === undefined) values.push(0);
      else {
        const amounts = Object.entries(sum);
        values.push(amounts.length);
        for (const [counter, amount] of amounts) values.push(counters.placeOf(counter), amountOf(amount));
      }
      values[sizeAt] = values.length - 1 - sizeAt;
    },
    pack: () => [packr.pack([counters.names(), countedLists, shapeList, elementLists, values]), ...apart],
  };
}

/** What an append without elements adds: one entry, without fields of its own. */
const SINGLE: Elements = { place: 0, names: [], count: 1, bytes: 0 };
const NO_FIELDS: Fields = {};

/** @throws EffectsError when there are too many fields */
function newShape(
  place: number,
  own: readonly string[],
  { fields, common }: { fields: Fields; common: Fields },
): Shape {
  const names = Object.keys(fields);
  const isLong = (name: string): boolean => (fields[name] ?? "").length >= APART_LENGTH_MIN;
  const size = own.length + Object.keys(common).length + names.length;
  if (size > APPEND_FIELDS_MAX) {
    throw new EffectsError(
      `an append of ${size} fields is more than the commit takes (${APPEND_FIELDS_MAX})`,
    );
  }
  const inline = names.filter((name) => !isLong(name));
  return { place, own, common, names, inline, apart: names.filter(isLong), size };
}

/** The shape as the script wants it: an XADD with gaps. */
function packable({ own, common, names, apart }: Shape, target: number): unknown[] {
  const add: (string | number)[] = ["XADD", target, "*"];
  for (const name of own) add.push(name, "");
  for (const name in common) add.push(name, common[name] ?? "");
  const inlinePlaces: number[] = [];
  const apartPlaces: number[] = [];
  for (const name of names) {
    const place = add.push(name, "");
    (apart.includes(name) ? apartPlaces : inlinePlaces).push(place);
  }
  return [add, own.length, inlinePlaces, apartPlaces];
}

interface Indexed<Name extends string> {
  /** 1-based place of the name, given to it at first sight. */
  placeOf(name: Name): number;
  names(): readonly Name[];
  count(): number;
  /** Forgets all but the first so many. */
  cutTo(count: number): void;
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
    count: () => places.size,
    cutTo(count) {
      for (const [name, place] of places) if (place > count) places.delete(name);
    },
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

function isSame(names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name, i) => name === others[i]);
}

function amountOf(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new EffectsError(`a counter cannot be raised by ${amount}`);
}

function differing(names: readonly string[]): never {
  throw new EffectsError(`elements of one append have different fields (${names.join(", ")})`);
}
