// Reads requests as {secret, headers, body (base64)} on stdin and says of each what a JavaScript receiver finds.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

function standard({ secret, headers }, body) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

// As the receiver of the requirement documents does it: parsed, written again, compared with the hex digest.
function reserialised({ secret, headers }, body) {
  const expected = Buffer.from(createHmac("sha256", secret).update(JSON.stringify(JSON.parse(body))).digest("hex"));
  const given = Buffer.from(headers["x-webhook-signature"] ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const requests = JSON.parse(readFileSync(0, "utf8"));
const found = requests.map((request) => {
  const body = Buffer.from(request.body, "base64").toString("utf8");
  return { standard: standard(request, body), reserialised: reserialised(request, body) };
});
process.stdout.write(JSON.stringify(found));
