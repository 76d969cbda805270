import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { formatEntry } from "@porchlight/charter";
import { hex, parseDay } from "@porchlight/encoding";
import { treeHash, treeSize, verifyWitnessed } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { expect, test } from "vitest";
import { charterDocument, signedCharter } from "../../../vectors/fixture/deployment.ts";
import { DebianPostgres, debianPostgres, hasNats, Nats } from "./debian.ts";
import { TestServer } from "./deployment.ts";
import { insist, Load } from "./load.ts";
import { roomOf } from "./people.ts";

const MINUTES = 3;
const bin = debianPostgres();
const able = bin !== null && hasNats();
if (!able) console.log("skipped: minutes of kills, since Debian's PostgreSQL or NATS is not installed");

test.skipIf(!able)(
  "DEL-21, DEL-45: minutes of kills of any process in any order: nothing acknowledged is lost, one order, one log",
  { timeout: (MINUTES + 4) * 60_000 },
  async () => {
    const postgres = await DebianPostgres.start(bin as string);
    const hints = await Nats.start();
    const server = await TestServer.start({ DATABASE_URL: postgres.url, NATS_URL: hints.url });
    await Promise.all([server.runFront("front-1"), server.runFront("front-2")]);
    const urls = [server.url, server.urlOf("front-1"), server.urlOf("front-2")];
    const loads = [];
    for (let room = 0; room < 3; room++) {
      const load = new Load(
        await roomOf(server, 3, null, (place) => server.client(urls[(place + room) % 3])),
      );
      load.start();
      loads.push(load);
    }

    // Entries go into the log all the while, by way of a front.
    let isOver = false;
    const indices: number[] = [];
    const logging = (async () => {
      for (let day = 1; !isOver && day <= 28; day++) {
        const validUntil = parseDay(`2026-12-${String(day).padStart(2, "0")}`);
        const document = await signedCharter(charterDocument("court", { validUntil }));
        const entry = formatEntry({ type: "charter", document });
        indices.push(await insist(() => server.client(urls[1]).appendEntry(entry)));
        await sleep(2_000);
      }
    })();

    const victims: Record<string, () => Promise<void>> = {
      primary: async () => {
        await server.kill();
        await sleep(randomInt(1_500));
        await server.run();
      },
      ...Object.fromEntries(
        ["front-1", "front-2"].map((name) => [
          name,
          async () => {
            await server.supervisor.kill(name);
            await sleep(randomInt(1_500));
            await server.runFront(name);
          },
        ]),
      ),
      nats: async () => {
        await hints.kill();
        await sleep(randomInt(3_000));
        await hints.run();
      },
      postgres: async () => {
        await postgres.kill();
        await sleep(randomInt(1_500));
        await postgres.run();
      },
    };
    const names = Object.keys(victims);
    const until = performance.now() + MINUTES * 60_000;
    const killed: Record<string, number> = {};
    while (performance.now() < until) {
      const name = names[randomInt(names.length)] as string;
      killed[name] = (killed[name] ?? 0) + 1;
      await victims[name]?.();
      for (const load of loads) await load.progress(5);
    }
    isOver = true;
    await logging;
    for (const load of loads) await load.stop();
    console.log(
      "killed",
      killed,
      "acknowledged",
      loads.map((load) => load.acknowledged.size),
      "logged",
      indices.length,
    );

    expect(indices).toEqual(indices.map((_, i) => i));
    const note = await server.client().waitForCheckpoint(indices.length, { wait: 60 });
    const { size, root } = verifyWitnessed(note ?? "", server.cosigners.policy, nodeSuite);
    expect(size).toBe(indices.length);
    expect(hex(await treeHash(server.client().readTile, treeSize(size), nodeSuite))).toBe(hex(root));
    await server.stop();
    await hints.kill();
    await postgres.stop();
  },
);
