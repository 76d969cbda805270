import { type ReactElement, useEffect, useRef } from "react";
import { say } from "../i18n/say.tsx";
import { Icon, type IconName } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { AppearanceSection } from "./appearance-section.tsx";
import { DataSection } from "./data-section.tsx";
import { DevicesSection } from "./devices-section.tsx";
import { NotificationsSection } from "./notifications-section.tsx";
import { ProfileSection } from "./profile-section.tsx";
import { RecoverySection } from "./recovery-section.tsx";

const SECTIONS = ["profile", "devices", "recovery", "notifications", "appearance", "data"] as const;
export type Section = (typeof SECTIONS)[number];

const ICONS: Readonly<Record<Section, IconName>> = {
  profile: "people",
  devices: "device",
  recovery: "key",
  notifications: "notice",
  appearance: "emoji",
  data: "archive",
};

export function isSection(text: string): text is Section {
  return (SECTIONS as readonly string[]).includes(text);
}

export function SettingsPage({ section }: { readonly section: Section }): ReactElement {
  // On a phone the sections stand in a row that is wider than the screen.
  const sections = useRef<HTMLElement>(null);
  useEffect(() => {
    const open = sections.current?.children[SECTIONS.indexOf(section)];
    open?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [section]);
  return (
    <main className="settings" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
        <h1>{say("settings.title")}</h1>
      </header>
      <div className="settings-body">
        <nav ref={sections} className="settings-nav" aria-label={say("settings.title")}>
          {SECTIONS.map((one) => (
            <Link
              key={one}
              to="/settings/$section"
              params={{ section: one }}
              className={`settings-link${one === section ? " settings-link-open" : ""}`}
              {...(one === section ? { "aria-current": "page" } : {})}
            >
              <Icon name={ICONS[one]} />
              {say(`settings.${one}`)}
            </Link>
          ))}
        </nav>
        <section className="settings-section stack" data-part aria-label={say(`settings.${section}`)}>
          <h2>{say(`settings.${section}`)}</h2>
          {section === "profile" ? <ProfileSection /> : null}
          {section === "devices" ? <DevicesSection /> : null}
          {section === "recovery" ? <RecoverySection /> : null}
          {section === "notifications" ? <NotificationsSection /> : null}
          {section === "appearance" ? <AppearanceSection /> : null}
          {section === "data" ? <DataSection /> : null}
        </section>
      </div>
    </main>
  );
}
