import { createHmac, timingSafeEqual } from "node:crypto";

// Pass Webhook-Id, Webhook-Timestamp, Webhook-Signature and the body as a Buffer, before anything parses it.
export function isOurs(secret, messageId, timestamp, signatures, body) {
  if (!/^\d+$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const hmac = createHmac("sha256", key).update(`${messageId}.${timestamp}.`).update(body);
  const wanted = Buffer.from("v1," + hmac.digest("base64"));
  return signatures.split(" ").some((one) => {
    const given = Buffer.from(one);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
