// Logs in, creates a ticket once, changes it, and meets a version that has passed. From the environment: BASE, ACCOUNT, PASSWORD.
import createClient from "openapi-fetch";
import type { paths } from "./api";

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what}`);
  return value;
}

async function main(): Promise<void> {
  const baseUrl = given("BASE");
  const login = { username: given("ACCOUNT"), password: given("PASSWORD") };
  const session = await createClient<paths>({ baseUrl }).POST("/api/v1/tokens", { body: login });
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${found(session.data, "token").token}` } });
  const versions = await client.GET("/api/v1/process-versions", { params: { query: { kind: "ticket" } } });
  const process_version = found(found(versions.data, "list").items[0], "process").guid;
  const header = { "Idempotency-Key": `flow-${Date.now()}` };
  const create = { params: { header }, body: { process_version, title: "Made by a TypeScript client", submit: false } };
  const made = found((await client.POST("/api/v1/tickets", create)).data, "ticket");
  const again = found((await client.POST("/api/v1/tickets", create)).data, "ticket");
  if (made.guid !== again.guid) throw new Error("one key made two tickets");
  const change = {
    params: { path: { guid: made.guid }, header: { "If-Match": '"1"' } },
    body: { title: "Changed by a TypeScript client" },
  };
  const changed = found((await client.PATCH("/api/v1/work-items/{guid}", change)).data, "changed ticket");
  if (changed.title !== change.body.title) throw new Error(`its title is ${changed.title}`);
  const late = await client.PATCH("/api/v1/work-items/{guid}", change);
  if (late.response.status !== 412) throw new Error(`a version that has passed answers ${late.response.status}`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
