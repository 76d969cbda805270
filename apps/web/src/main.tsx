import "./design/all.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { connectMessenger } from "./messenger/connect.ts";
import { watchInvitations } from "./onboarding/invitation.ts";
import { registerServiceWorker } from "./pwa/register.ts";
import { keepAppearance } from "./settings/appearance.ts";

keepAppearance();
watchInvitations();
const messenger = connectMessenger();
createRoot(document.getElementById("app") as HTMLElement).render(
  <StrictMode>
    <App messenger={messenger} />
  </StrictMode>,
);
registerServiceWorker();
