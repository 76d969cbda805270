import "../src/design/all.css";
import { MessengerPage } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { createRoot } from "react-dom/client";
import { App } from "../src/app.tsx";
import { keepAppearance } from "../src/settings/appearance.ts";
import { placeCamera } from "./camera.ts";
import { COURT, HOUSE } from "./people.ts";
import { scenePort } from "./port.ts";
import { SCENES } from "./scenes.ts";

let shown: ReturnType<typeof scenePort> | null = null;
const root = createRoot(document.getElementById("app") as HTMLElement);

function show(name: string): void {
  const scene = SCENES[name];
  if (scene === undefined) {
    root.render(<Index />);
    return;
  }
  const read = name.startsWith("first-") ? [] : [COURT, HOUSE];
  localStorage.setItem("porchlight.charters-read", JSON.stringify(read));
  placeCamera(scene.camera ?? "asks");
  const port = scenePort(scene);
  shown = port;
  root.render(<App key={name} messenger={new MessengerPage(port)} at={scene.at} />);
}

function Index(): ReactElement {
  return (
    <main className="reading" id="main">
      <h1>Every state</h1>
      <ul>
        {Object.keys(SCENES).map((one) => (
          <li key={one}>
            <a href={`?scene=${one}`}>{one}</a>
          </li>
        ))}
      </ul>
    </main>
  );
}

keepAppearance();
show(new URLSearchParams(location.search).get("scene") ?? "");
// For the tests: another scene without loading the page again, what comes into its thread, and what is asked of it.
Object.assign(globalThis, { showScene: show, scene: () => shown });
