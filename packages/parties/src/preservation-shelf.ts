import { preservationCommitment } from "@porchlight/charter";
import type { Commitment } from "@porchlight/encoding";
import { formatPreservationFile, type PreservationFile, readPreservationFile } from "./preservation.ts";
import { Shelf } from "./shelf.ts";

/** Orders to preserve of a party's directory. Each is kept before it is sent: its opening is nowhere else. */
export function preservationShelf(directory: string): Shelf<PreservationFile> {
  return new Shelf(directory, "preservations", {
    read: readPreservationFile,
    format: formatPreservationFile,
  });
}

/** An order to preserve by a name that it has in this directory for as long as its bytes are the same. */
export async function preservationName(directory: string, file: PreservationFile): Promise<string> {
  return await preservationShelf(directory).nameFor(commitmentOf(file), commitmentOf);
}

function commitmentOf({ opening, preservation }: PreservationFile): Commitment {
  return preservationCommitment(opening, preservation);
}
