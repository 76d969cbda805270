import { type ReactElement, useState } from "react";
import { save } from "../files/picture.ts";
import { say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { shownName } from "../text/marks.ts";
import { Kept } from "./kept.tsx";

/** What is here is the person's own: to take along, and to end. */
export function DataSection(): ReactElement {
  const { me } = useReady();
  const ask = useAsk();
  const [isDeleting, setDeleting] = useState(false);
  const [typed, setTyped] = useState("");
  const name = shownName(me.name);
  return (
    <>
      <Kept />
      <div className="stack-tight">
        <h3>{say("export.title")}</h3>
        <p className="soft">{say("export.text")}</p>
        <div className="row-wrap">
          <Button
            icon="download"
            onPress={() =>
              void ask("exportData").then((made) => {
                if (made !== null) save(made.file, "porchlight-export.json");
              })
            }
          >
            {say("export.do")}
          </Button>
        </div>
      </div>
      <div className="stack-tight">
        <h3>{say("delete-account.title")}</h3>
        <p className="soft">{say("delete-account.text")}</p>
        <div className="row-wrap">
          <Button look="danger" icon="trash" onPress={() => setDeleting(true)}>
            {say("delete-account.title")}
          </Button>
        </div>
      </div>
      {isDeleting ? (
        <Panel title={say("delete-account.ask")} isAlert onClose={() => setDeleting(false)}>
          <p>{say("delete-account.honest")}</p>
          <Field
            label={say("delete-account.type-name", { name })}
            value={typed}
            onChange={setTyped}
            autoComplete="off"
          />
          <div className="row-wrap">
            <Button
              look="danger"
              isDisabled={typed.trim() !== name}
              onPress={() => void ask("deleteAccount")}
            >
              {say("delete-account.do")}
            </Button>
            <Button onPress={() => setDeleting(false)}>{say("cancel")}</Button>
          </div>
        </Panel>
      ) : null}
    </>
  );
}
