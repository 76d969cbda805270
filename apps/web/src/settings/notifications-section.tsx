import { type ReactElement, useEffect, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAsk, useMessenger, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Choice, Toggle } from "../parts/field.tsx";
import { endSubscription, keepSubscribed, type PushState } from "../pwa/push.ts";

export function NotificationsSection(): ReactElement {
  const { settings } = useReady();
  const ask = useAsk();
  const [permission, setPermission] = useState(
    "Notification" in globalThis ? Notification.permission : "none-here",
  );
  const messenger = useMessenger();
  const [push, setPush] = useState<PushState | "offline" | null>(null);
  const wantsNone = settings.notifications === "none";
  useEffect(() => {
    // Also after the permission was given or taken, and after another choice.
    void permission;
    (wantsNone ? endSubscription(messenger) : keepSubscribed(messenger)).then(setPush, () =>
      setPush("offline"),
    );
  }, [messenger, permission, wantsNone]);
  return (
    <>
      {permission === "granted" ? null : permission === "denied" || permission === "none-here" ? (
        <Banner tone="info" title={say(`notifications.${permission}`)} />
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
      {push === null || push === "off" || permission === "none-here" ? null : (
        <p role="status" className="small soft">
          {say(`push.${push}`)}
        </p>
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
