import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Choice, Toggle } from "../parts/field.tsx";

export function NotificationsSection(): ReactElement {
  const { settings } = useReady();
  const ask = useAsk();
  const [permission, setPermission] = useState(
    "Notification" in globalThis ? Notification.permission : "denied",
  );
  return (
    <>
      {permission === "granted" ? null : permission === "denied" ? (
        <Banner tone="info" title={say("notifications.denied")} />
      ) : (
        <Banner
          tone="info"
          title={say("notifications.ask")}
          actions={
            <Button look="main" onPress={() => void Notification.requestPermission().then(setPermission)}>
              {say("notifications.allow")}
            </Button>
          }
        >
          <p>{say("notifications.ask-text")}</p>
        </Banner>
      )}
      <Choice
        label={say("notifications.which")}
        value={settings.notifications}
        onChange={(notifications) => void ask("changeSettings", { notifications })}
        options={[
          ["all", say("notifications.all")],
          ["mentions", say("notifications.mentions")],
          ["none", say("notifications.none")],
        ]}
      />
      <Toggle
        isSelected={settings.receipts}
        onChange={(receipts) => void ask("changeSettings", { receipts })}
        hint={say("receipts.hint")}
      >
        {say("receipts.title")}
      </Toggle>
      <Toggle
        isSelected={settings.typing}
        onChange={(typing) => void ask("changeSettings", { typing })}
        hint={say("typing.hint")}
      >
        {say("typing.title")}
      </Toggle>
    </>
  );
}
