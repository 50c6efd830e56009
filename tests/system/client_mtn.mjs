// Makes calls of the mtn-momo package, given as {config, credentials, calls: [[product, method, ...arguments]]} on stdin, one after
// the other, and says of each {value} or {error, reason}.
import { readFileSync } from "node:fs";
import momo from "mtn-momo";

const { config, credentials, calls } = JSON.parse(readFileSync(0, "utf8"));
const client = momo.create(config);
const products = new Map();

function product(name) {
  if (!products.has(name)) products.set(name, client[name](credentials));
  return products.get(name);
}

async function made([name, method, ...given]) {
  try {
    return { value: (await product(name)[method](...given)) ?? null };
  } catch (error) {
    return { error: error.name, reason: error.transaction?.reason ?? error.message };
  }
}

const results = [];
for (const call of calls) results.push(await made(call));
process.stdout.write(JSON.stringify(results));
