/** Times as lists show them, in UTC: of today only the time of day. */

/** `19:50:38`, or `11-28 19:50:38` of another day, with the year of another year. */
export function shortTime(iso: string, now: Date): string {
  const [day = "", rest = ""] = new Date(iso).toISOString().split("T");
  const time = rest.slice(0, 8);
  const [today = ""] = now.toISOString().split("T");
  if (day === today) return time;
  return `${day.slice(0, 4) === today.slice(0, 4) ? day.slice(5) : day} ${time}`;
}

/** The same with milliseconds. */
export function exactTime(iso: string, now: Date): string {
  return `${shortTime(iso, now)}.${new Date(iso).toISOString().slice(20, 23)}`;
}

/** What the person who types means by today, and by the last two hours. */
export function currentTime(): Date {
  return new Date();
}
