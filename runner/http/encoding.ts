import type { Context } from "hono";
import type { ProblemOptions } from "./problem.ts";

/** The problem with a body that is compressed or encoded in another way; undefined when it is sent as it is. */
export function encodingProblem({ req }: Context): ProblemOptions | undefined {
  if (req.method === "GET" || req.method === "HEAD") return undefined;
  const given = (req.header("content-encoding") ?? "").toLowerCase().split(",");
  const encodings = given.map((each) => each.trim()).filter((each) => each !== "" && each !== "identity");
  if (encodings.length === 0) return undefined;
  const named = encodings.map((each) => (REGISTERED.has(each) ? each : "an unknown encoding"));
  return {
    status: 415,
    code: "unsupported_encoding",
    detail: `the body is encoded (Content-Encoding: ${named.slice(0, NAMED_MAX).join(", ")}): expected it as it is`,
    hint: "send the body uncompressed, without Content-Encoding",
    headers: { "accept-encoding": "identity" },
  };
}

/** Others are not repeated in the answer, because they may be anything. */
const REGISTERED: ReadonlySet<string> = new Set([
  "gzip",
  "x-gzip",
  "deflate",
  "compress",
  "x-compress",
  "br",
  "zstd",
]);
const NAMED_MAX = 5;
