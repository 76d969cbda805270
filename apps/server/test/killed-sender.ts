// A requester's program that is killed with SIGKILL once the provider has answered its second message, before the answer is kept.
import { join } from "node:path";
import { charterId } from "@porchlight/encoding";
import { Agency, lineOf, Sendings, Service } from "@porchlight/parties";
import type { ServerClient } from "@porchlight/wire";
import { seedOf } from "../../../vectors/fixture/deployment.ts";

const [directory = "", url = "", charter = "", name = "", act = ""] = process.argv.slice(2);
const service = await Service.open({ url, directory: join(directory, "log"), charter: charterId(charter) });
const names = { country: "XX", endpoint: "AGENCY", provider: "PROVIDER", owner: "porchlight", profile: "1" };
const line = lineOf(names, seedOf("Agency endpoint"));
const plain = service.server.hi1.bind(service.server);
let messages = 0;
(service.server as { hi1: ServerClient["hi1"] }).hi1 = async (message) => {
  const answer = await plain(message);
  if (++messages === 2) process.kill(process.pid, "SIGKILL");
  return answer;
};
const contents = async (): Promise<Uint8Array> => new Uint8Array(Buffer.from(act, "base64"));
await new Sendings(await Agency.open(directory), line).send(service, name, contents);
