import * as z from "zod";

/** Set by the router, or by the way HTTP tells where a message ends. */
const OWN: readonly string[] = [
  ["content-type", "user-agent", "idempotency-key", "x-signature", "x-signature-timestamp"],
  ["host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"],
  ["expect", "content-encoding"],
].flat();
/** Their values are secrets, and params are kept in Postgres and in Redis. */
const CREDENTIALS: readonly string[] = ["authorization", "cookie", "x-api-key", "api-key", "x-auth-token"];

const value = z.string().regex(/^[\t\x20-\x7e]{0,1000}$/, "expected up to 1,000 printable ASCII characters");

/** Headers a user may add to deliveries: none that the router sets itself, none that carry credentials. */
export const webhookHeaders = z.record(z.string(), value).superRefine((headers, context) => {
  for (const name of Object.keys(headers)) {
    const message = faultOf(name);
    if (message !== undefined) context.addIssue({ code: "custom", message, path: [name] });
  }
});

function faultOf(header: string): string | undefined {
  const name = header.toLowerCase();
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]{1,100}$/.test(name)) return "expected the name of a header";
  if (OWN.includes(name)) return "expected none of the headers the router sets itself";
  if (CREDENTIALS.includes(name) || name.startsWith("proxy-"))
    return "expected no credentials here, where they could be read: sign with `secret` instead";
  return undefined;
}
