/** Lists for people that stay short. */

const NAMED_MAX = 20;

/** The items; of many only the first, and how many more there are. */
export function firstOf(items: readonly string[]): string[] {
  const more = items.length - NAMED_MAX;
  return [...items.slice(0, NAMED_MAX), ...(more > 0 ? [`and ${more} more`] : [])];
}

export function listed(items: readonly string[], between = ", "): string {
  return firstOf(items).join(between);
}
