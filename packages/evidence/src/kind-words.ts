// What a line of a package is where it is not plain speech (CON-3), for whoever reads evidence.

const KIND_WORDS: Readonly<Record<string, string>> = {
  title: "names the conversation",
  receipt: "receipt: messages had arrived or were read",
  profile: "tells its own name",
  leaving: "asks to leave",
};

/** As its device wrote it where there are no other words for it. */
export function kindWords(kind: string): string {
  return KIND_WORDS[kind] ?? kind;
}

/** A receipt and a profile are nobody's message: a device sends them beside what a person writes. */
export function isMessage({ kind }: { readonly kind?: string }): boolean {
  return kind !== "receipt" && kind !== "profile";
}

/** "3 messages, and apart from them 2 receipts and 1 name": how much was opened. */
export function countWords(lines: readonly { readonly kind?: string }[]): string {
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const [receipts, names] = ["receipt", "profile"].map(
    (wanted) => lines.filter(({ kind }) => kind === wanted).length,
  ) as [number, number];
  const messages = count(lines.length - receipts - names, "message");
  const others = [
    ...(receipts === 0 ? [] : [count(receipts, "receipt")]),
    ...(names === 0 ? [] : [count(names, "name")]),
  ];
  return others.length === 0 ? messages : `${messages}, and apart from them ${others.join(" and ")}`;
}
