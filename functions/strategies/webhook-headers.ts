import * as z from "zod";
import { refersToExtra } from "../../shared/extra-params.ts";

/** Headers a user may add to deliveries: none that the router sets itself, none that carry credentials. */
export const webhookHeaders = z
  .record(
    z.string(),
    z.string().regex(/^[\t\x20-\x7e]{0,1000}$/, "expected up to 1,000 printable ASCII characters"),
  )
  .superRefine((headers, context) => {
    for (const [name, value] of Object.entries(headers)) {
      const message = refersToExtra(value) ? NO_REFERENCE : headerFault(name);
      if (message !== undefined) context.addIssue({ code: "custom", message, path: [name] });
    }
  });

const NO_REFERENCE = "expected no {{extra.…}}: the sender of a signal must not choose headers";

/** Set by the router, or part of how HTTP frames a message. */
const SET_BY_ROUTER: readonly string[] = [
  ["content-type", "user-agent", "idempotency-key", "x-signature", "x-signature-timestamp"],
  ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"],
  ["expect", "content-encoding"],
].flat();
/** Their values are secrets, and params are kept in Postgres and in Redis. */
const CREDENTIALS: readonly string[] = ["authorization", "cookie", "x-api-key", "api-key", "x-auth-token"];

function headerFault(header: string): string | undefined {
  const name = header.toLowerCase();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(name)) return "expected the name of a header";
  if (SET_BY_ROUTER.includes(name)) return "expected none of the headers the router sets itself";
  if (CREDENTIALS.includes(name) || name.startsWith("proxy-"))
    return "expected no credentials, which would be stored in Postgres and Redis: sign deliveries with `secret` instead";
  return undefined;
}
