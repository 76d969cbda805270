import type { CharterView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { CharterText } from "../charter/page.tsx";
import { say } from "../i18n/say.tsx";
import { Arrival } from "../parts/arrival.tsx";
import { Button } from "../parts/button.tsx";

/** Before the first message: who can open this. It is read once for each charter. */
export function Welcome({
  charter,
  onRead,
}: {
  readonly charter: CharterView;
  readonly onRead: () => void;
}): ReactElement {
  return (
    <main className="reading" id="main">
      <p className="reading-step">{say("welcome.before")}</p>
      <CharterText charter={charter} />
      <div className="reading-foot">
        <Button look="main" onPress={onRead}>
          {say("welcome.understood")}
        </Button>
      </div>
      <Arrival page={`welcome ${charter.id}`} />
    </main>
  );
}
