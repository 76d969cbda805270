import {
  base64,
  concat,
  hex,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import {
  accountablePolicyText,
  addCheckpoint,
  appendLeaves,
  consistencyProof,
  cosign,
  EMPTY_FRONTIER,
  encodeEntries,
  encodeFrontier,
  entriesPath,
  formatAddCheckpoint,
  formatCheckpoint,
  formatProof,
  formatSignerKey,
  formatVkey,
  frontierRoot,
  inclusionProof,
  keyholderQuorum,
  leafHash,
  logIndex,
  makeSigner,
  parsePolicy,
  policySatisfied,
  type SignatureType,
  type Signer,
  signNote,
  type TileReader,
  tilePath,
  treeSize,
  verifyAddCheckpoint,
  type WitnessedTree,
} from "../../packages/tlog/src/index.ts";

const ORIGIN = "log.example.org";
const START = unixSeconds(1_700_000_000);

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
/** Every key of these vectors, with the byte that its seed repeats. */
const seeds = new Map<Signer, number>();
function signerOf<Type extends SignatureType>(type: Type, name: string, byte: number): Signer<Type> {
  const signer = makeSigner(type, name, seed(byte));
  seeds.set(signer, byte);
  return signer;
}
const log = signerOf("ed25519", ORIGIN, 1);
const otherLog = signerOf("ed25519", "log.example.net", 2);
const witnesses = [1, 2].map((n) => signerOf("cosignature", `witness-${n}.example.org`, 0x10 + n));
const keyholders = [1, 2, 3, 4, 5].map((n) =>
  signerOf("cosignature", `keyholder-${n}.example.org`, 0x20 + n),
);
const [w1, w2] = witnesses as [Signer<"cosignature">, Signer<"cosignature">];

const entryText = (index: number): string => `{"entry":${index}}`;

/** A log whose n-th entry is {"entry":n}, and every tile that it published at these sizes. */
function grow(sizes: readonly number[]) {
  const tiles = new Map<string, Uint8Array>();
  const states = new Map([[0, EMPTY_FRONTIER]]);
  let state = EMPTY_FRONTIER;
  for (const size of sizes) {
    const leaves = Array.from({ length: size - state.size }, (_, i) =>
      leafHash(utf8(entryText(state.size + i))),
    );
    const grown = appendLeaves(state, leaves);
    state = grown.state;
    states.set(size, state);
    for (const { path, hashes } of grown.newTiles) tiles.set(path, hashes);
  }
  const read: TileReader = async (path) => tiles.get(path) as Uint8Array;
  const root = (size: number): Uint8Array => frontierRoot(states.get(size) ?? EMPTY_FRONTIER);
  const text = (size: number): string =>
    formatCheckpoint({ origin: ORIGIN, size: treeSize(size), root: root(size) });
  return { tiles, states, read, root, text };
}

const SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 255, 256, 257, 300, 513, 700];
const tree = grow(SIZES);

function flip(text: string, at: number): string {
  const char = text.charAt(at);
  return text.slice(0, at) + (char === "A" ? "B" : "A") + text.slice(at + 1);
}

async function trees() {
  const inclusion = [];
  for (const [size, index] of [
    [1, 0],
    [2, 1],
    [3, 2],
    [5, 4],
    [7, 3],
    [8, 0],
    [256, 255],
    [257, 256],
    [300, 17],
    [513, 512],
    [700, 256],
    [700, 699],
  ] as const) {
    const proof = await inclusionProof(tree.read, treeSize(size), logIndex(index));
    inclusion.push({ size, index, leafHash: hex(leafHash(utf8(entryText(index)))), proof: proof.map(hex) });
  }
  const consistency = [];
  for (const [oldSize, newSize] of [
    [0, 5],
    [1, 2],
    [2, 3],
    [3, 7],
    [4, 8],
    [6, 8],
    [7, 7],
    [255, 256],
    [256, 257],
    [256, 700],
    [300, 700],
    [513, 700],
  ] as const) {
    const proof = await consistencyProof(tree.read, treeSize(oldSize), treeSize(newSize));
    consistency.push({ oldSize, newSize, proof: proof.map(hex) });
  }
  return {
    description:
      'The entry at index n is the UTF-8 text {"entry":n}. Of each tile: path, width, and its first and last hash.',
    roots: [0, ...SIZES].map((size) => ({ size, root: hex(tree.root(size)) })),
    tiles: [...tree.tiles].map(([path, hashes]) => ({
      path,
      width: hashes.length / 32,
      first: hex(hashes.slice(0, 32)),
      last: hex(hashes.slice(-32)),
    })),
    frontier: { size: 5, bytes: hex(encodeFrontier(tree.states.get(5) ?? EMPTY_FRONTIER)) },
    inclusion,
    consistency,
  };
}

function paths() {
  return {
    hashes: [
      [0, 0, 256],
      [0, 273, 112],
      [1, 999, 1],
      [2, 1000, 255],
      [63, 1_234_067, 256],
    ].map(([level, index, width]) => ({
      level,
      index,
      width,
      path: tilePath(level as number, index as number, width as number),
    })),
    entries: [
      [0, 1],
      [67, 256],
      [1_234_067, 17],
    ].map(([index, width]) => ({ index, width, path: entriesPath(index as number, width as number) })),
    refused: [
      "tile/0/0",
      "tile/0/000.p/0",
      "tile/0/000.p/256",
      "tile/0/000.p/01",
      "tile/00/000",
      "tile/64/000",
      "tile/0/x000/067",
      "tile/0/001/067",
      "tile/0/x001/x234/67",
      "tile/-1/000",
      "tile/data/000",
      "tile/8/0/000",
      "/tile/0/000",
      "tile/0/000/",
      "tile/entries/000.p/",
      "tile/entries/x00a/000",
    ],
  };
}

function bundles() {
  const entries = [utf8(entryText(0)), new Uint8Array(0), Uint8Array.of(0, 255)];
  const bundle = hex(encodeEntries(entries));
  return {
    entries: entries.map(hex),
    bundle,
    refused: [
      { width: 3, bundle: bundle.slice(0, -2) },
      { width: 3, bundle: `${bundle}00` },
      { width: 2, bundle },
      { width: 4, bundle },
      { width: 1, bundle: "" },
      { width: 1, bundle: "0001" },
    ],
  };
}

function notes() {
  const text = tree.text(300);
  const signed = signNote(text, [log]);
  const lineW1 = cosign(text, w1, START);
  const laterW1 = cosign(text, w1, unixSeconds(START + 60));
  const lineW2 = cosign(text, w2, START);
  const plain = `— ${w1.key.name} ${base64(concat(w1.key.id, w1.sign(utf8(text))))}\n`;
  const unknown = "— stranger.example AAAAAAAA\n";
  const known = [formatVkey(log.key), formatVkey(w1.key)];
  const blankLines = "a text\n\nwith blank lines\n\n\nin it\n";
  return {
    keys: [...seeds].map(([{ key }, byte]) => ({
      name: key.name,
      type: key.type,
      seed: hex(seed(byte)),
      publicKey: hex(key.publicKey),
      keyId: hex(key.id),
      vkey: formatVkey(key),
      signerKey: formatSignerKey(key.type, key.name, seed(byte)),
    })),
    refusedVkeys: [
      "",
      "name",
      "name+00000000",
      `${ORIGIN}+00000000+${formatVkey(log.key).split("+").slice(2).join("+")}`,
      formatVkey(log.key).replace(ORIGIN, "log example org"),
      formatVkey(log.key).replace(ORIGIN, "log\u00a0example"),
      formatVkey(log.key).toUpperCase(),
      `${formatVkey(log.key)}\n`,
      `${formatVkey(log.key)}=`,
    ],
    accepted: [
      { note: signed, known: [formatVkey(log.key)], verified: [{ name: ORIGIN, time: null }] },
      {
        note: signed + lineW1 + lineW2 + unknown,
        known,
        verified: [
          { name: ORIGIN, time: null },
          { name: w1.key.name, time: START },
        ],
      },
      {
        description: "a key that signed twice appears twice",
        note: signed + lineW1 + laterW1,
        known: [formatVkey(w1.key)],
        verified: [
          { name: w1.key.name, time: START },
          { name: w1.key.name, time: START + 60 },
        ],
      },
      {
        description: "the text has blank lines of its own",
        note: signNote(blankLines, [log]),
        known: [formatVkey(log.key)],
        verified: [{ name: ORIGIN, time: null }],
        text: blankLines,
      },
    ],
    refused: [
      { code: "signature-missing", note: signed, known: [formatVkey(w1.key)] },
      { code: "signature-missing", note: `${text}\n${unknown}`, known },
      { code: "signature-invalid", note: flip(signed, signed.length - 20), known },
      { code: "signature-invalid", note: signed.replace("\n300\n", "\n301\n"), known },
      {
        code: "signature-invalid",
        description: "one known key's signature is bad, another's good",
        note: signed + flip(lineW1, lineW1.length - 20),
        known,
      },
      {
        code: "signature-invalid",
        description: "the time is under the signature",
        note: signed + lineW1.replace("lU/EA", "lU/EB"),
        known,
      },
      {
        code: "signature-invalid",
        description: "a cosigner's plain signature, without a time",
        note: signed + plain,
        known,
      },
      { code: "note-malformed", note: text, known },
      { code: "note-malformed", note: `${text}\n`, known },
      { code: "note-malformed", note: signed.slice(0, -1), known },
      { code: "note-malformed", note: `${signed}\n`, known },
      { code: "note-malformed", note: signed.replace("\n300\n", "\n300\r\n"), known },
      { code: "note-malformed", note: signed.replace("— ", "- "), known },
      { code: "note-malformed", note: signed.replace(`— ${ORIGIN} `, `— ${ORIGIN}  `), known },
      { code: "note-malformed", note: `${signed}— a+b AAAAAAA=\n`, known },
      { code: "note-malformed", note: `${signed}— name AAAA\n`, known },
      { code: "note-malformed", note: `${signed}— name AAAAAB==\n`, known },
      { code: "note-malformed", note: `${signed}— name AAAAAAA= \n`, known },
      { code: "note-too-long", note: signed + unknown.repeat(100), known },
    ],
    refusedCheckpoints: [
      "",
      text.slice(0, -1),
      `${text}\n`,
      `${text}extension\n`,
      text.replace("\n300\n", "\n0300\n"),
      text.replace("\n300\n", "\n+300\n"),
      text.replace("\n300\n", "\n300 \n"),
      text.replace("\n300\n", "\n0x12c\n"),
      text.replace("\n300\n", "\n-1\n"),
      text.replace("\n300\n", "\n\n"),
      text.replace("\n300\n", "\n9007199254740992\n"),
      text.replace(ORIGIN, ""),
      text.replace("=\n", "\n"),
      text.replace(/[A-Za-z0-9+/]=\n/, "B=\n"),
      `${ORIGIN}\n300\nAAAA\n`,
    ],
  };
}

const parties = {
  log: { vkey: formatVkey(log.key), url: "https://log.example.org/" },
  witnesses: witnesses.map(({ key }) => ({ vkey: formatVkey(key) })),
  keyholders: keyholders.map(({ key }) => ({ vkey: formatVkey(key) })),
  threshold: 3,
};

function policies() {
  const policy = accountablePolicyText(parties);
  const text = tree.text(300);
  const at = (signer: Signer<"cosignature">, time: number): string =>
    cosign(text, signer, time as UnixSeconds);
  const all = [...witnesses, ...keyholders];
  const cases: { description: string; lines: string[]; signers?: Signer<"ed25519">[] }[] = [
    { description: "everybody at one time", lines: all.map((signer) => at(signer, START)) },
    {
      description: "four of five keyholders; the time is that of the last one needed",
      lines: all.slice(0, 6).map((signer, i) => at(signer, START + (i < 2 ? 9 : i))),
    },
    {
      description: "the fifth keyholder's old signature is not needed for the time",
      lines: all.map((signer, i) => at(signer, i === 6 ? 1 : START + (i < 2 ? 9 : i))),
    },
    {
      description: "one cosigner that runs ahead moves nothing",
      lines: all.map((signer, i) => at(signer, i === 3 ? START + 1_000_000 : START)),
    },
    {
      description: "a witness' latest signature counts",
      lines: [at(w1, START), ...all.map((signer) => at(signer, START + 5))],
    },
    { description: "three of five keyholders", lines: all.slice(0, 5).map((signer) => at(signer, START)) },
    { description: "one witness", lines: all.slice(1).map((signer) => at(signer, START)) },
    {
      description: "one keyholder four times",
      lines: [w1, w2, ...[0, 1, 2, 3].map(() => keyholders[0] as Signer<"cosignature">)].map((signer, i) =>
        at(signer, START + i),
      ),
    },
    {
      description: "without the log's own signature",
      lines: all.map((signer) => at(signer, START)),
      signers: [],
    },
    { description: "no cosignature", lines: [] },
  ];
  const vkey = (signer: Signer): string => formatVkey(signer.key);
  const head = `log ${vkey(log)}\nwitness a ${vkey(w1)}\nwitness b ${vkey(w2)}\n`;
  return {
    accountable: { parties, policy },
    evaluated: cases.map(({ description, lines, signers = [log] }) => {
      const note = (signers.length === 0 ? `${text}\n` : signNote(text, signers)) + lines.join("");
      const result = policySatisfied(parsePolicy(policy), note);
      return { description, note, time: result.satisfied ? result.time : null };
    }),
    quorums: [
      [1, 1],
      [3, 2],
      [5, 2],
      [5, 3],
      [5, 4],
      [5, 5],
      [7, 4],
      [9, 5],
    ].map(([n, t]) => ({ n, t, needed: keyholderQuorum(n as number, t as number) })),
    accepted: [
      `${head}group g any a b\nquorum g\n`,
      `# comment\n\n \t${head}group g 2 a b\n  group h all g\nquorum\th \n`,
      `${head}quorum a\n`,
      "quorum none\n",
      `log ${vkey(log)} https://log.example.org/\nquorum none\n`,
    ],
    refused: [
      "",
      head,
      `${head}quorum a`,
      `${head}quorum a\nquorum b\n`,
      `${head}quorum c\n`,
      `quorum a\n${head}`,
      `${head}group g 3 a b\nquorum g\n`,
      `${head}group g 0 a b\nquorum g\n`,
      `${head}group g 02 a b\nquorum g\n`,
      `${head}group g all\nquorum g\n`,
      `${head}group g any a a\nquorum g\n`,
      `${head}group g any a b\ngroup h any g a\nquorum h\n`,
      `${head}group g any g a\nquorum g\n`,
      `${head}group a any b\nquorum a\n`,
      `${head}group none any a\nquorum none\n`,
      `${head}group g any none a\nquorum g\n`,
      `${head}witness c ${vkey(w1)}\nquorum a\n`,
      `${head}witness c ${vkey(log)}\nquorum a\n`,
      `${head}log ${vkey(w2)}\nquorum a\n`,
      `${head}log ${vkey(log)}\nquorum a\n`,
      `${head}witness c ${vkey(otherLog)}\nquorum a\n`,
      `${head}log ${vkey(keyholders[0] as Signer)}\nquorum a\n`,
      `${head}members a b\nquorum a\n`,
      `${head}quorum a\r\n`,
      `${head}quorum a b\n`,
    ],
    tooWeak: [
      `${head}group g all a b\nquorum g\n`,
      policy.replace("group keyholders 4 ", "group keyholders 3 "),
      policy.replace("group witnesses all ", "group witnesses any "),
      policy.replace("group both all ", "group both any "),
      policy.replace("quorum both", "quorum none"),
      `log ${vkey(otherLog)}\n${policy}`,
      policy.replace(
        /group[^]*/,
        `group all-of-them 6 witness-1 witness-2 ${keyholders.map((_, i) => `keyholder-${i + 1}`).join(" ")}\nquorum all-of-them\n`,
      ),
    ],
  };
}

async function proofs() {
  const text = tree.text(700);
  const checkpoint =
    signNote(text, [log]) +
    [...witnesses, ...keyholders].map((signer) => cosign(text, signer, START)).join("");
  const index = logIndex(300);
  const hashes = await inclusionProof(tree.read, treeSize(700), index);
  const proof = formatProof({ index, hashes, checkpoint });
  const leaf = hex(leafHash(utf8(entryText(300))));
  return {
    proof,
    withExtra: formatProof({ index, hashes, checkpoint, extra: utf8("extra data") }),
    leafHash: leaf,
    index,
    time: START,
    malformed: [
      proof.replace("@v1", "@v2"),
      proof.replace("index 300", "index 0300"),
      proof.replace("index 300", "extra index 300"),
      proof.replace("index 300\n", ""),
      proof.replace("\n\n", "\n"),
      proof.replace(/(index 300\n)(?:.*\n)/, "$1AAAA\n"),
      proof.replace("index 300\n", `index 300\n${`${"A".repeat(43)}=\n`.repeat(64)}`),
    ],
    refused: [
      { code: "inclusion-invalid", proof: proof.replace("index 300", "index 301") },
      { code: "inclusion-invalid", proof: proof.replace("index 300", "index 700") },
      { code: "inclusion-invalid", proof: proof.replace(/(index 300\n)(?:.*\n)/, "$1") },
      { code: "policy-unsatisfied", proof: proof.replace(/— witness-1.*\n/, "") },
      { code: "signature-invalid", proof: proof.replace("\n700\n", "\n701\n") },
    ],
  };
}

/** One witness' life: each request is answered in the state that the one before left. */
async function witness() {
  const fork = (size: number): string =>
    signNote(formatCheckpoint({ origin: ORIGIN, size: treeSize(size), root: seed(7) }), [log]);
  const request = async (oldSize: number, newSize: number, note = signNote(tree.text(newSize), [log])) => ({
    oldSize: treeSize(oldSize),
    proof: await consistencyProof(tree.read, treeSize(oldSize), treeSize(newSize)),
    note,
  });
  const empty = formatCheckpoint({ origin: ORIGIN, size: treeSize(0), root: frontierRoot(EMPTY_FRONTIER) });
  const wrongEmpty = formatCheckpoint({ origin: ORIGIN, size: treeSize(0), root: new Uint8Array(32) });
  const grown = await request(256, 300);
  const stranger = makeSigner("ed25519", ORIGIN, seed(3));
  const bodies: [string, string, number?][] = [
    [
      "a tree of size zero with another root",
      formatAddCheckpoint(await request(0, 0, signNote(wrongEmpty, [log]))),
    ],
    ["the empty tree", formatAddCheckpoint(await request(0, 0, signNote(empty, [log])))],
    ["a proof where none is needed", formatAddCheckpoint({ ...(await request(0, 256)), proof: [seed(0)] })],
    ["the first checkpoint", formatAddCheckpoint(await request(0, 256))],
    ["old size not the stored one", formatAddCheckpoint(await request(0, 300))],
    ["no proof", formatAddCheckpoint({ ...grown, proof: [] })],
    ["a wrong proof", formatAddCheckpoint({ ...grown, proof: grown.proof.with(0, seed(0)) })],
    ["another tree of the stored size", formatAddCheckpoint(await request(256, 256, fork(256)))],
    [
      "unknown log",
      formatAddCheckpoint({
        ...grown,
        note: signNote(tree.text(300).replace(ORIGIN, "log.example.net"), [otherLog]),
      }),
    ],
    [
      "signed by a stranger under the log's name",
      formatAddCheckpoint({ ...grown, note: signNote(tree.text(300), [stranger]) }),
    ],
    [
      "bad signature of the log",
      formatAddCheckpoint({ ...grown, note: grown.note.replace("\n300\n", "\n301\n") }),
    ],
    ["old size above the checkpoint's", formatAddCheckpoint({ ...grown, oldSize: treeSize(301) })],
    ["the same again by a clock that was set back", formatAddCheckpoint(await request(256, 256)), START - 1],
    ["growth", formatAddCheckpoint(grown), START + 10],
    ["the same checkpoint again", formatAddCheckpoint(await request(300, 300)), START + 20],
    ["an older checkpoint", formatAddCheckpoint(await request(256, 300)), START + 20],
    ["another tree", formatAddCheckpoint(await request(300, 300, fork(300))), START + 20],
    ["leading zero in the old size", formatAddCheckpoint(grown).replace("old 256", "old 0256")],
    ["no old size", formatAddCheckpoint(grown).replace("old 256\n", "")],
    ["64 hashes", formatAddCheckpoint({ ...grown, proof: Array.from({ length: 64 }, () => seed(0)) })],
    ["no blank line", formatAddCheckpoint(grown).replace("\n\n", "\n")],
    ["nothing", ""],
    [
      "extension lines",
      formatAddCheckpoint({ ...grown, note: signNote(`${tree.text(300)}extension\n`, [log]) }),
    ],
  ];
  let latest: WitnessedTree | null = null;
  const requests = bodies.map(([description, body, at = START]) => {
    const verified = verifyAddCheckpoint(utf8(body), [log.key]);
    const answer =
      verified.kind === "refused" ? verified : addCheckpoint(latest, verified, w1, unixSeconds(at));
    if (answer.kind === "cosigned") latest = answer.tree;
    return {
      description,
      at,
      body,
      status: answer.kind === "cosigned" ? 200 : answer.status,
      answer: answer.kind === "cosigned" ? answer.cosignature : answer.body,
      stored: latest?.note ?? null,
    };
  });
  return { witness: formatVkey(w1.key), logs: [formatVkey(log.key)], requests };
}

export async function make(): Promise<unknown> {
  return {
    description: "The transparency log (spec/tlog.md): C2SP formats, and what is refused",
    notes: notes(),
    tree: await trees(),
    paths: paths(),
    bundles: bundles(),
    policies: policies(),
    proofs: await proofs(),
    witness: await witness(),
  };
}
