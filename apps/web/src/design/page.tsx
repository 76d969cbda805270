import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { CharterMark } from "../parts/charter-mark.tsx";
import { Link } from "../parts/link.tsx";
import { COLOURS, FONTS, MOTIONS, SHAPES, SPACES, TYPES } from "./tokens.ts";

/** The visual language on one page: every token, drawn with itself. */
export function DesignPage(): ReactElement {
  return (
    <main className="reading design" id="main">
      <header className="stack-tight">
        <h1>{say("design.title")}</h1>
        <p className="soft">{say("design.intro")}</p>
        <p>
          <Link to="/">{say("design.back")}</Link>
        </p>
      </header>
      {Object.entries(COLOURS).map(([group, names]) => (
        <section key={group} className="stack-tight">
          <h2>{say(`design.${group as keyof typeof COLOURS}`)}</h2>
          <ul className="swatches">
            {names.map((name) => (
              <li key={name} className="swatch">
                <span className={`swatch-colour swatch-${name}`} />
                <code className="small">{name}</code>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <section className="stack-tight">
        <h2>{say("design.type")}</h2>
        {TYPES.map((name) => (
          <p key={name} className={`type-${name}`}>
            {say("design.sample")} <code className="small soft">{name}</code>
          </p>
        ))}
        <Names names={FONTS} />
      </section>
      <section className="stack-tight">
        <h2>{say("design.space")}</h2>
        <ul className="stack-tight">
          {SPACES.map((step) => (
            <li key={step} className="row">
              <code className="small soft">{step}</code>
              <span className={`space-bar space-bar-${step}`} />
            </li>
          ))}
        </ul>
      </section>
      <section className="stack-tight">
        <h2>{say("design.shape")}</h2>
        <ul className="swatches">
          {SHAPES.map((name) => (
            <li key={name} className="swatch">
              <span className={`swatch-colour shape-${name}`} />
              <code className="small">{name}</code>
            </li>
          ))}
        </ul>
      </section>
      <section className="stack-tight">
        <h2>{say("design.motion")}</h2>
        <p className="soft">{say("design.motion-text")}</p>
        <Names names={MOTIONS} />
      </section>
      <section className="stack-tight">
        <h2>{say("design.who")}</h2>
        <p className="soft">{say("design.who-text")}</p>
        <div className="row-wrap">
          <CharterMark kind="court" withWords />
          <CharterMark kind="house" withWords />
          <CharterMark kind="none" withWords />
        </div>
      </section>
      <section className="stack-tight">
        <h2>{say("design.parts")}</h2>
        <div className="row-wrap">
          <Button look="main">{say("save")}</Button>
          <Button>{say("cancel")}</Button>
          <Button look="quiet">{say("close")}</Button>
          <Button look="danger">{say("message.delete")}</Button>
        </div>
        <Banner title={say("connection.connecting")} />
        <Banner tone="good" title={say("first.invited")} />
        <Banner tone="danger" title={say("trust.changed.short")} />
      </section>
    </main>
  );
}

function Names({ names }: { readonly names: readonly string[] }): ReactElement {
  return (
    <p className="row-wrap">
      {names.map((name) => (
        <code key={name} className="small soft">
          {name}
        </code>
      ))}
    </p>
  );
}
