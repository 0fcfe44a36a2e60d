import { getConnInfo, handle } from "hono/aws-lambda";
import { serverlessApp } from "./serverless/app.ts";

/** Entry point for AWS Lambda behind an HTTP API (payload 2.0), a function URL, a REST API or a load balancer. */
export const handler = handle(
  serverlessApp({
    env: () => process.env,
    peerAddressOf: (c) => getConnInfo(c).remote.address,
  }),
);
