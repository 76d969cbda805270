// The sealed box over X-Wing (spec/quorum.md, QUO-13 and QUO-14).
import { hex, utf8 } from "@porchlight/encoding";
import { sealTo, xwingEncapsulate, xwingKeygen } from "../../packages/quorum/src/index.ts";
import { flip, seeded } from "../../packages/quorum/test/dealer.ts";

export function make(): unknown {
  const random = seeded("quorum-sealed-box");
  const { publicKey, secretKey } = xwingKeygen(random(32));
  const boxes = [
    { plaintext: utf8(""), info: utf8(""), aad: utf8("") },
    { plaintext: utf8("Nothing opens in the dark."), info: utf8("use"), aad: utf8("context") },
    { plaintext: random(200), info: utf8("porchlight-v1/example"), aad: random(300) },
  ].map((input) => {
    const seed = random(64);
    const { sharedSecret } = xwingEncapsulate(publicKey, seed);
    return {
      ...input,
      seed,
      sharedSecret,
      box: sealTo(publicKey, input.plaintext, input.info, input.aad, seed),
    };
  });
  const last = boxes[2] as (typeof boxes)[number];
  const refusal = (why: string, change: Partial<typeof last>) => {
    const { info, aad, box } = { ...last, ...change };
    return { why, info: hex(info), aad: hex(aad), box: hex(box) };
  };
  return {
    description: "Sealed boxes (spec/quorum.md). All byte strings in hex.",
    secretKey: hex(secretKey),
    publicKey: hex(publicKey),
    boxes: boxes.map((b) => Object.fromEntries(Object.entries(b).map(([name, bytes]) => [name, hex(bytes)]))),
    refused: [
      refusal("encapsulation", { box: flip(last.box, 4000) }),
      refusal("key commitment", { box: flip(last.box, 8 * 1120) }),
      refusal("ciphertext", { box: flip(last.box, 8 * 1152) }),
      refusal("tag", { box: flip(last.box, 8 * last.box.length - 1) }),
      refusal("truncated", { box: last.box.subarray(0, -1) }),
      refusal("another use", { info: utf8("porchlight-v1/other") }),
      refusal("another context", { aad: random(300) }),
    ],
  };
}
