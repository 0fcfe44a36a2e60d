/** The names and values of one stream entry, as its producer sent them. */
export type Fields = Readonly<Record<string, string>>;

/** One record of a Redis Stream. The id is `<milliseconds>-<sequence>`. */
export interface Entry {
  readonly id: string;
  readonly fields: Fields;
}

const ID_PART_MAX = 2n ** 64n - 1n;

/** Whether Redis accepts this text as a complete id of an entry. */
export function isEntryId(text: string): boolean {
  if (!/^\d{1,20}-\d{1,20}$/.test(text)) return false;
  return text.split("-").every((part) => part.length < 20 || BigInt(part) <= ID_PART_MAX);
}

/** The end of the year 9999: an explicit id may name a later time, but no calendar does. */
export const TIME_MS_MAX = 253_402_300_799_999;

/** Milliseconds since 1970 at which the entry was added: the first half of its id. */
export function entryTime(id: string): number {
  const dash = id.indexOf("-");
  return Math.min(Number(dash < 0 ? id : id.slice(0, dash)), TIME_MS_MAX);
}

/** Fields from Redis' flat list of names and values. A repeated name has its last value; `__proto__` is an ordinary name. */
export function fieldsOf(flat: readonly string[]): Fields {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? "";
    const value = flat[i + 1] ?? "";
    if (name === "__proto__") {
      Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
    } else {
      fields[name] = value;
    }
  }
  return fields;
}
