import { request, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";

/**
 * `fetch` over a Unix socket, which the global one cannot do. Each request has its own connection, so that none keeps the process
 * alive. @throws NodeJS.ErrnoException when there is no answer
 */
export async function fetchOverSocket(
  socketPath: string,
  asked: Request,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const body = Buffer.from(await asked.arrayBuffer());
  const { pathname, search, host } = new URL(asked.url);
  return new Promise((resolve, reject) => {
    const sent = request({
      socketPath,
      agent: false,
      method: asked.method,
      path: `${pathname}${search}`,
      headers: { ...Object.fromEntries(asked.headers), host, "content-length": body.length },
      ...(signal === undefined ? {} : { signal }),
    });
    sent.on("error", reject);
    sent.on("response", (answer) => resolve(responseOf(answer)));
    sent.end(body);
  });
}

/** Its body arrives as it is read; one that breaks off is an error of the reader. */
function responseOf(answer: IncomingMessage): Response {
  const status = answer.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  if (WITHOUT_BODY.has(status)) {
    answer.resume();
    return new Response(null, { status, headers });
  }
  return new Response(Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status, headers });
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
