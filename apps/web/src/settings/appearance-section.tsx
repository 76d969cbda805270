import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import { Choice } from "../parts/field.tsx";
import { Link } from "../parts/link.tsx";
import { type Appearance, changeAppearance, readAppearance } from "./appearance.ts";

export function AppearanceSection(): ReactElement {
  const [appearance, setAppearance] = useState(readAppearance);
  const change = (part: Partial<Appearance>): void => {
    const next = { ...appearance, ...part };
    changeAppearance(next);
    setAppearance(next);
  };
  return (
    <>
      <Choice
        label={say("appearance.theme")}
        value={appearance.theme}
        onChange={(theme) => change({ theme })}
        options={[
          ["system", say("appearance.system")],
          ["light", say("appearance.light")],
          ["dark", say("appearance.dark")],
        ]}
      />
      <Choice
        label={say("appearance.contrast")}
        value={appearance.contrast}
        onChange={(contrast) => change({ contrast })}
        options={[
          ["system", say("appearance.system")],
          ["more", say("appearance.more")],
        ]}
      />
      <Choice
        label={say("appearance.motion")}
        value={appearance.motion}
        onChange={(motion) => change({ motion })}
        options={[
          ["system", say("appearance.system")],
          ["less", say("appearance.less")],
        ]}
      />
      <p className="small">
        <Link to="/design">{say("appearance.design")}</Link>
      </p>
    </>
  );
}
