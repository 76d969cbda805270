import type { ReactElement } from "react";
import { isSection, SettingsPage } from "./page.tsx";

/** An address that names no section shows the first. */
export function SettingsView({ section }: { readonly section: string }): ReactElement {
  return <SettingsPage section={isSection(section) ? section : "profile"} />;
}
