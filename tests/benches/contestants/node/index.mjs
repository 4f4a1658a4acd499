// The function as Node does it: AWS SDK v3, bundled. The loop around it is shorter than the
// runtime's own, to Node's advantage.
import http from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";

const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const agent = new http.Agent({ keepAlive: true });
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");

function runtime(method, path, body) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: `/2018-06-01/runtime/invocation/${path}` };
    const request = http.request(options, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function handle(event) {
  const { org_id, customer_id, category_id } = event.pathParameters;
  const id = Number.parseInt(category_id, 10);
  const sortKey = String(id + 2 ** 31).padStart(10, "0");
  const { Item } = await client.send(
    new GetCommand({
      TableName: process.env.CATEGORIES_TABLE,
      Key: { pk: `${org_id}#${customer_id}`, sk: `CATEGORY#${sortKey}` },
      ConsistentRead: true,
    }),
  );
  const { value = null, description = null, reason = null, created, revision } = Item;
  const body = JSON.stringify({ id, value, description, reason, created_at: created, updated_at: revision });
  return { statusCode: 200, headers: { "content-type": "application/json" }, body };
}

for (;;) {
  const next = await runtime("GET", "next");
  const answer = await handle(JSON.parse(next.body));
  await runtime("POST", `${next.headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
}
