/**
 * Times as existing strategy workers read them: without zone, since they subtract `received_at` from a time without one, and
 * in a form that Python's `datetime.fromisoformat` takes from 3.7 on: 3 or 6 decimals, after a point.
 */
const ZONELESS = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{3}(?:\d{3})?)?)?$/;

/** The sender's text when it is such a time, else `time`, which `isoTime` wrote, in that form. */
export function zonelessTime(time: string, text: string | null): string {
  return text !== null && ZONELESS.test(text) ? text : `${time.slice(0, -1)}000`;
}
