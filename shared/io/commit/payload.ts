import { Packr } from "msgpackr/pack";
import type { Fields } from "../../entry.ts";
import type { Append, Branch } from "../../function.ts";
import { EffectsError, hasShape, newShape, packable, type Shape } from "./append-shape.ts";

export interface PayloadSize {
  readonly appends: number;
  readonly bytes: number;
}

/** How much there was of everything that is sent. */
export interface PayloadCheckpoint extends PayloadSize {
  readonly values: number;
  readonly separateArgs: number;
  readonly targets: number;
  readonly counters: number;
  readonly shapes: number;
  readonly elements: number;
  readonly counted: number;
}

/** The elements of an append. */
interface Elements {
  readonly index: number;
  readonly names: readonly string[];
  readonly count: number;
  /** Roughly, of all their values. */
  readonly bytes: number;
}

/** Arrays, strings and whole numbers only, which any MessagePack reads; Redis' has no records. */
const packr = new Packr({ useRecords: false });

/** Names with their places, from 1, given to them at first sight. */
class Indexed<Name extends string> {
  readonly #places = new Map<Name, number>();

  indexOf(name: Name): number {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const index = this.#places.size + 1;
    this.#places.set(name, index);
    return index;
  }

  names(): readonly Name[] {
    return [...this.#places.keys()];
  }

  count(): number {
    return this.#places.size;
  }

  /** Forgets all but the first so many. */
  cutTo(count: number): void {
    for (const [name, index] of this.#places) if (index > count) this.#places.delete(name);
  }
}

/**
 * What branches are made of, for the commit script: names, and what many have in common, once, and values in one flat list. A
 * class, since one is made for every call, also for a single signal: as a function with closures each took 5 kB of its own.
 */
export class Payload {
  readonly #values: (string | number)[] = [];
  readonly #apart: string[] = [];
  readonly #targets = new Indexed<Append["stream"]>();
  readonly #counters = new Indexed<string>();
  readonly #shapes: Shape[] = [];
  readonly #elements = new Map<readonly Fields[], Elements>();
  readonly #elementLists: (string | number)[][] = [];
  readonly #counted = new Map<readonly string[], number>();
  readonly #countedLists: (readonly number[])[] = [];
  #appends = 0;
  #bytes = 0;

  /** Streams appended to, by their place (from 1). */
  targets(): readonly Append["stream"][] {
    return this.#targets.names();
  }

  /** Appends so far, and roughly the bytes of their values. */
  size(): PayloadSize {
    return { appends: this.#appends, bytes: this.#bytes };
  }

  /** Values so far, for {@link rollBackTo}. */
  checkpoint(): PayloadCheckpoint {
    return {
      values: this.#values.length,
      separateArgs: this.#apart.length,
      targets: this.#targets.count(),
      counters: this.#counters.count(),
      shapes: this.#shapes.length,
      elements: this.#elementLists.length,
      counted: this.#countedLists.length,
      appends: this.#appends,
      bytes: this.#bytes,
    };
  }

  /** Forgets all that was added since. */
  rollBackTo(mark: PayloadCheckpoint): void {
    this.#values.length = mark.values;
    this.#apart.length = mark.separateArgs;
    this.#targets.cutTo(mark.targets);
    this.#counters.cutTo(mark.counters);
    this.#shapes.length = mark.shapes;
    this.#elementLists.length = mark.elements;
    this.#countedLists.length = mark.counted;
    for (const [each, { index }] of this.#elements) if (index > mark.elements) this.#elements.delete(each);
    for (const [count, index] of this.#counted) if (index > mark.counted) this.#counted.delete(count);
    this.#appends = mark.appends;
    this.#bytes = mark.bytes;
  }

  /** Adds values as they are. */
  push(...values: readonly (string | number)[]): void {
    for (const value of values) this.#values.push(value);
  }

  /** Adds a branch behind the number of values it has. @throws EffectsError */
  pushBranch({ append, count, sum }: Branch): void {
    const values = this.#values;
    const sizeAt = values.push(0) - 1;
    values.push(append.length);
    for (const each of append) this.#pushAppend(each);
    values.push(this.#countedPlace(count));
    if (sum === undefined) values.push(0);
    else {
      const amounts = Object.entries(sum);
      values.push(amounts.length);
      for (const [counter, amount] of amounts) {
        values.push(this.#counters.indexOf(counter), amountOf(amount));
      }
    }
    values[sizeAt] = values.length - 1 - sizeAt;
  }

  /** The last arguments of the commit script. */
  pack(): readonly (Buffer | string)[] {
    const shapes = this.#shapes.map(packable);
    const lists = [this.#counters.names(), this.#countedLists, shapes, this.#elementLists, this.#values];
    return [packr.pack(lists), ...this.#apart];
  }

  #pushAppend(append: Append): void {
    const { fields, each } = append;
    const list = each === undefined ? SINGLE : this.#elementsOf(each);
    const shape = this.#shapeOf(append, list);
    if (list.count > 0 && shape.size === 0) {
      throw new EffectsError("an entry without fields cannot be appended");
    }
    this.#values.push(shape.index, list.index);
    this.#appends += list.count;
    this.#bytes += list.bytes;
    for (const name of shape.inline) {
      const value = fields[name] ?? "";
      this.#bytes += value.length;
      this.#values.push(value);
    }
    for (const name of shape.separate) {
      const value = fields[name] ?? "";
      this.#bytes += value.length;
      this.#values.push(this.#apart.push(value));
    }
  }

  /** Many signals have the very same list of elements, made for all of them. */
  #elementsOf(each: readonly Fields[]): Elements {
    const known = this.#elements.get(each);
    if (known !== undefined) return known;
    const names = Object.keys(each[0] ?? NO_FIELDS);
    const list: (string | number)[] = [each.length];
    let bytes = 0;
    for (const element of each) {
      const found = Object.keys(element);
      if (found.length !== names.length) differing(found);
      for (const name of names) {
        const value = element[name] ?? differing(found);
        bytes += value.length;
        list.push(value);
      }
    }
    const made = { index: this.#elementLists.push(list), names, count: each.length, bytes };
    this.#elements.set(each, made);
    return made;
  }

  /** The shape with these names and this very object of common fields; there are two of them, mostly. */
  #shapeOf({ stream, fields, common = NO_FIELDS }: Append, { names: elementFields }: Elements): Shape {
    const shaped = { stream, fields, common };
    for (const shape of this.#shapes) if (hasShape(shaped, elementFields, shape)) return shape;
    const [index, streamIndex] = [this.#shapes.length + 1, this.#targets.indexOf(stream)];
    const shape = newShape(shaped, elementFields, { index, streamIndex });
    this.#shapes.push(shape);
    return shape;
  }

  /** Many signals raise the very same counters, by the very same list. */
  #countedPlace(count: readonly string[]): number {
    const known = this.#counted.get(count);
    if (known !== undefined) return known;
    const index = this.#countedLists.push(count.map((counter) => this.#counters.indexOf(counter)));
    this.#counted.set(count, index);
    return index;
  }
}

/** What an append without elements adds: one entry, without fields of its own. */
const SINGLE: Elements = { index: 0, names: [], count: 1, bytes: 0 };
const NO_FIELDS: Fields = {};

function amountOf(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new EffectsError(`a counter cannot be raised by ${amount}`);
}

function differing(names: readonly string[]): never {
  throw new EffectsError(`elements of one append have different fields (${names.join(", ")})`);
}
