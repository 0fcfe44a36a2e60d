/** The value that this part of the values (0–1) does not exceed, such as 0.99; NaN when there is none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The values as a note lists what a median is of. */
export function listed(values: readonly number[]): string {
  return values.map((value) => Math.round(value)).join(", ");
}
