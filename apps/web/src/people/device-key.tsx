import type { ReactElement } from "react";

/** Two people read it to each other: whole, and in groups. */
export function DeviceKey({ of }: { readonly of: string }): ReactElement {
  return <code className="device-key">{of.replace(/(.{4})(?=.)/g, "$1 ")}</code>;
}
