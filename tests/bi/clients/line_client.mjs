// The same as line_client.py for Node. Usage: node line_client.mjs NODE_MODULES FILE
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const [modules, file] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(modules + "/")("@duckdb/node-api");

async function open() {
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
  return { instance, connection: await instance.connect() };
}

let client = await open();
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let answer;
  try {
    if (asked.reopen) {
      client.connection.closeSync();
      client.instance.closeSync();
      client = await open();
      answer = { rows: [] };
    } else {
      const result = await client.connection.runAndReadAll(asked.sql);
      const plain = (value) => (typeof value === "bigint" ? Number(value) : value);
      answer = { rows: result.getRows().map((row) => row.map(plain)) };
    }
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
