/** The value that this share (0–1, such as 0.99) of the values does not exceed; NaN without values. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** A count with separators for thousands, such as `100,000`. */
export function grouped(count: number): string {
  return count.toLocaleString("en-US");
}

/** The values behind a median, as a note lists them. */
export function listed(values: readonly number[]): string {
  return values.map((value) => Math.round(value)).join(", ");
}
