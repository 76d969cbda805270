import { type ReactElement, useState } from "react";
import { save } from "../files/picture.ts";
import { say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { shownName } from "../text/marks.ts";
import { Kept } from "./kept.tsx";

const FILE = "porchlight-export";

/** What is here is the person's own: to take along, and to end. */
export function DataSection(): ReactElement {
  const { me } = useReady();
  const ask = useAsk();
  const [isDeleting, setDeleting] = useState(false);
  const [typed, setTyped] = useState("");
  const name = shownName(me.name);
  const exportPage = async (): Promise<void> => {
    const made = await ask("exportData");
    if (made === null) return;
    // Most people never ask for it: its code comes when they do.
    const { readablePage } = await import("./export-page.ts");
    save(await readablePage(made.file), `${FILE}.html`);
  };
  const exportRecords = async (): Promise<void> => {
    const made = await ask("exportData");
    if (made !== null) save(made.file, `${FILE}.jsonl`);
  };
  return (
    <>
      <Kept />
      <div className="stack-tight">
        <h3>{say("export.title")}</h3>
        <p className="soft">{say("export.text")}</p>
        <div className="row-wrap">
          <Button icon="download" onPress={() => void exportPage()}>
            {say("export.page")}
          </Button>
          <Button icon="download" onPress={() => void exportRecords()}>
            {say("export.records")}
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
