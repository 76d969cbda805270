import type { MentionView } from "@porchlight/client/page";
import { Fragment, type ReactElement, useState } from "react";
import { Say, say } from "../i18n/say.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { folded, type Part, partsOf } from "../text/message.ts";

/** A message's words: text nodes only, folded where they are long. */
export function MessageText({
  text,
  mentions,
  isAction,
  name,
}: {
  readonly text: string;
  readonly mentions: readonly MentionView[];
  readonly isAction: boolean;
  readonly name: string;
}): ReactElement | null {
  const [isOpen, setOpen] = useState(false);
  if (text === "") return null;
  const short = folded(text);
  const shown = short === null || isOpen ? text : short;
  const isBig =
    mentions.length === 0 &&
    /^(\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\ufe0f|\u200d){1,12}$/u.test(text);
  return (
    <div className="message-text">
      <div dir="auto" className={`words${isBig ? " words-emoji" : ""}`}>
        {isAction ? <em>{name} </em> : null}
        {partsOf(shown, mentions).map((part, i) => (
          <Fragment key={i}>
            <Words part={part} />
          </Fragment>
        ))}
        {short === null || isOpen ? null : "…"}
      </div>
      {short === null ? null : (
        <Button look="quiet" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
          {isOpen ? say("message.fold") : <Say k="message.unfold" v={{ count: text.length }} />}
        </Button>
      )}
    </div>
  );
}

function Words({ part }: { readonly part: Part }): ReactElement {
  switch (part.kind) {
    case "text":
      return <>{part.text}</>;
    case "code":
      return <code className="code">{part.text}</code>;
    case "block":
      return (
        <pre className="code-block" tabIndex={0} dir="ltr">
          <code>{part.text}</code>
        </pre>
      );
    case "mention":
      return <bdi className="mention">{part.text}</bdi>;
    case "link":
      return part.lookalike === null ? (
        <a href={part.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
          {part.text}
        </a>
      ) : (
        <Lookalike href={part.href} text={part.text} host={part.lookalike} />
      );
  }
}

/** An address with letters that look like others: where it really goes is said before it is followed. */
function Lookalike({
  href,
  text,
  host,
}: {
  readonly href: string;
  readonly text: string;
  readonly host: string;
}): ReactElement {
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className="lookalike" onClick={() => setAsking(true)}>
        <bdi dir="ltr">{text}</bdi> <span className="lookalike-host">({host})</span>
      </button>
      {isAsking ? (
        <Panel title={say("link.lookalike.title")} isAlert onClose={() => setAsking(false)}>
          <p>
            <Say k="link.lookalike.text" v={{ host: <code>{host}</code> }} />
          </p>
          <div className="row-wrap">
            <Button look="main" onPress={() => setAsking(false)}>
              {say("link.lookalike.stay")}
            </Button>
            <a
              className="button button-quiet"
              href={href}
              target="_blank"
              rel="noopener noreferrer nofollow"
              onClick={() => setAsking(false)}
            >
              {say("link.lookalike.go")}
            </a>
          </div>
        </Panel>
      ) : null}
    </>
  );
}
