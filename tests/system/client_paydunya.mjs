// Makes calls of the paydunya package, given as {baseURL, keys, kind, store, steps: [[method, ...arguments]]} on stdin, one after the
// other on one object, and says of each what the object then is, or {error, data}.
import { readFileSync } from "node:fs";
import paydunya from "paydunya";

const { baseURL, keys, kind, store, steps } = JSON.parse(readFileSync(0, "utf8"));
const setup = new paydunya.Setup({ ...keys, mode: "test" });
setup.baseURL = baseURL;
const object = kind === "DirectPay" ? new paydunya.DirectPay(setup) : new paydunya[kind](setup, new paydunya.Store(store));

async function made([method, ...given]) {
  try {
    if (method === "set") Object.assign(object, ...given);
    else await object[method](...given);
    const { config, ...state } = object;
    return state;
  } catch (error) {
    return { error: error.message, data: error.data ?? null };
  }
}

const results = [];
for (const step of steps) results.push(JSON.parse(JSON.stringify(await made(step))));
process.stdout.write(JSON.stringify(results));
