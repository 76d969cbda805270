import { preservationCommitment } from "@porchlight/charter";
import { formatPreservationFile, type PreservationFile, readPreservationFile } from "./preservation.ts";
import { Shelf } from "./shelf.ts";

/** An order to preserve by a name that it has for as long as its bytes are the same. */
export function preservationName({ preservation, opening }: PreservationFile): string {
  return preservationCommitment(opening, preservation).slice(0, 16);
}

/** Orders to preserve of a party's directory. Each is kept before it is sent: its opening is nowhere else. */
export function preservationShelf(directory: string): Shelf<PreservationFile> {
  return new Shelf(directory, "preservations", {
    read: readPreservationFile,
    format: formatPreservationFile,
  });
}
