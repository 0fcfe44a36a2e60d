import { Packr } from "msgpackr/pack";
import { EffectsError } from "../../commit.ts";
import type { Fields } from "../../entry.ts";
import type { Append, Branch } from "../../function.ts";
import { hasShape, newShape, type PackedShape, type Shape } from "./append-shape.ts";
import { elementListOf, type ElementList, type PackedElementList } from "./element-list.ts";
import { InternTable, type Interned } from "./intern-table.ts";

/**
 * Writes entries into a message for the commit script, whose header explains the layout. A class, since one is made for
 * every call, also for a single signal: as a function with closures each took 5 kB.
 */
export class MessageBuilder {
  readonly #streams = new InternTable<Append["stream"], Append["stream"]>(itself);
  readonly #counters = new InternTable<string, string>(itself);
  /** Keyed by the array itself: signals with the same outcomes have the very same one. */
  readonly #counterLists = new InternTable((count: readonly string[]): readonly number[] =>
    count.map((counter) => this.#counters.intern(counter).index),
  );
  /** Keyed by the array itself, for the same reason. */
  readonly #elementLists = new InternTable(elementListOf);
  /** Mostly two, so they are searched in order. */
  readonly #shapes: Shape[] = [];
  readonly #values: (string | number)[] = [];
  readonly #separateArgs: string[] = [];
  #appends = 0;
  #bytes = 0;

  /** Streams appended to, in the order of their indexes. */
  streams(): readonly Append["stream"][] {
    return this.#streams.values();
  }

  /** Entries appended to streams. */
  get appends(): number {
    return this.#appends;
  }

  /** Approximate size of the values of these entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws EffectsError when an append or a counter is malformed */
  addEntry({ id, fenceValue, claimIndex, won, lost }: MessageEntry): void {
    this.#values.push(id, fenceValue, claimIndex);
    this.#addBranch(won);
    if (lost === undefined) this.#values.push(0);
    else this.#addBranch(lost);
  }

  pack(): PackedMessage {
    const message: Message = [
      this.#counters.values(),
      this.#counterLists.values(),
      this.#shapes.map(({ packed }) => packed),
      this.#elementLists.values().map(({ packed }) => packed),
      this.#values,
    ];
    return { message: packr.pack(message), separateArgs: this.#separateArgs };
  }

  /** For {@link rollBackTo}. */
  checkpoint(): MessageCheckpoint {
    return {
      streams: this.#streams.size,
      counters: this.#counters.size,
      counterLists: this.#counterLists.size,
      shapes: this.#shapes.length,
      elementLists: this.#elementLists.size,
      values: this.#values.length,
      separateArgs: this.#separateArgs.length,
      appends: this.#appends,
      bytes: this.#bytes,
    };
  }

  /** Removes all that was added since. */
  rollBackTo(checkpoint: MessageCheckpoint): void {
    this.#streams.truncate(checkpoint.streams);
    this.#counters.truncate(checkpoint.counters);
    this.#counterLists.truncate(checkpoint.counterLists);
    this.#shapes.length = checkpoint.shapes;
    this.#elementLists.truncate(checkpoint.elementLists);
    this.#values.length = checkpoint.values;
    this.#separateArgs.length = checkpoint.separateArgs;
    this.#appends = checkpoint.appends;
    this.#bytes = checkpoint.bytes;
  }

  #addBranch({ append, count, sum }: Branch): void {
    const values = this.#values;
    const branchSizeAt = values.push(0) - 1;
    const appendCount = append.length;
    values.push(appendCount);
    for (const each of append) this.#addAppend(each);
    const { index: counterListIndex } = this.#counterLists.intern(count);
    const sums = sum === undefined ? NO_SUMS : Object.entries(sum);
    const sumCount = sums.length;
    values.push(counterListIndex, sumCount);
    for (const [counter, amount] of sums) {
      const { index: counterIndex } = this.#counters.intern(counter);
      values.push(counterIndex, checkedAmount(amount));
    }
    values[branchSizeAt] = values.length - 1 - branchSizeAt;
  }

  #addAppend(append: Append): void {
    const { fields, each } = append;
    const elementList = each === undefined ? SINGLE : this.#elementLists.intern(each);
    const { index: elementListIndex, value: list } = elementList;
    const { index: shapeIndex, inlineFields, separateFields, fieldCount } = this.#shapeOf(append, list);
    if (list.elementCount > 0 && fieldCount === 0) {
      throw new EffectsError("an entry without fields cannot be appended");
    }
    this.#values.push(shapeIndex, elementListIndex);
    this.#appends += list.elementCount;
    this.#bytes += list.bytes;
    for (const name of inlineFields) {
      const value = fields[name] ?? "";
      this.#bytes += value.length;
      this.#values.push(value);
    }
    for (const name of separateFields) {
      const value = fields[name] ?? "";
      this.#bytes += value.length;
      const separateIndex = this.#separateArgs.push(value);
      this.#values.push(separateIndex);
    }
  }

  #shapeOf({ stream, fields, common = NO_FIELDS }: Append, { elementFields }: ElementList): Shape {
    const shaped = { stream, fields, common };
    for (const shape of this.#shapes) if (hasShape(shaped, elementFields, shape)) return shape;
    const { index: streamIndex } = this.#streams.intern(stream);
    const shape = newShape(shaped, elementFields, { index: this.#shapes.length + 1, streamIndex });
    this.#shapes.push(shape);
    return shape;
  }
}

export interface MessageEntry {
  readonly id: string;
  readonly fenceValue: string | number;
  readonly claimIndex: number;
  readonly won: Branch;
  /** Absent: not sent. */
  readonly lost: Branch | undefined;
}

/** The last arguments of the commit script. */
export interface PackedMessage {
  readonly message: Buffer;
  /** Values that are too long for the message. */
  readonly separateArgs: readonly string[];
}

/** How much there was of everything. */
export interface MessageCheckpoint {
  readonly streams: number;
  readonly counters: number;
  readonly counterLists: number;
  readonly shapes: number;
  readonly elementLists: number;
  readonly values: number;
  readonly separateArgs: number;
  readonly appends: number;
  readonly bytes: number;
}

type Message = readonly [
  counters: readonly string[],
  counterLists: readonly (readonly number[])[],
  shapes: readonly PackedShape[],
  elementLists: readonly PackedElementList[],
  values: readonly (string | number)[],
];

/** Arrays, strings and whole numbers only, which any MessagePack reads; Redis' has no records. */
const packr = new Packr({ useRecords: false });

/** For an append without elements: it adds one entry. */
const SINGLE: Interned<ElementList> = {
  index: 0,
  value: { elementFields: [], elementCount: 1, bytes: 0, packed: [1] },
};
const NO_FIELDS: Fields = {};
const NO_SUMS: readonly [string, number][] = [];

function itself<Value>(value: Value): Value {
  return value;
}

function checkedAmount(amount: number): number {
  if (Number.isSafeInteger(amount) && amount >= 0) return amount;
  throw new EffectsError(`a counter cannot be raised by ${amount}`);
}
