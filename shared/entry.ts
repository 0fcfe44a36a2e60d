/** The names and values of one stream entry, as its producer wrote them. */
export type Fields = Readonly<Record<string, string>>;

/** One record of a Redis Stream. The id is `<milliseconds>-<sequence>`. */
export interface Entry {
  readonly id: string;
  readonly fields: Fields;
}

const ID_PART_MAX = 2n ** 64n - 1n;

/** Whether Redis would take this for the id of an entry, given whole. */
export function isEntryId(text: string): boolean {
  if (!/^\d{1,20}-\d{1,20}$/.test(text)) return false;
  return text.split("-").every((part) => part.length < 20 || BigInt(part) <= ID_PART_MAX);
}

/** The end of the year 9999: an explicit id may name a later time, but no calendar does. */
export const TIME_MS_MAX = 253_402_300_799_999;

/** Milliseconds since 1970 at which Redis took the entry in: the first half of its id. */
export function entryTime(id: string): number {
  const dash = id.indexOf("-");
  return Math.min(Number(dash < 0 ? id : id.slice(0, dash)), TIME_MS_MAX);
}

/**
 * Fields from the flat `[name, value, name, value]` list Redis answers with. A repeated name keeps its last
 * value; `__proto__` is a name like any other.
 */
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
