import { serverlessApp } from "./serverless/app.ts";

const app = serverlessApp({
  env: () => process.env,
  // Each platform has a way of its own to tell it. Without it no address is trusted.
  peerAddressOf: () => undefined,
});

/** For platforms that call a `fetch` handler, with Node's modules. */
export default { fetch: app.fetch };
