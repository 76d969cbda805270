export { type DemonstrationOptions, type DemonstrationReport, demonstrate } from "./demonstration.ts";
export type { Deployment, DeskAddress } from "./deployment.ts";
export { DeploymentError, type DeploymentErrorCode } from "./error.ts";
export type { Progress } from "./progress.ts";
export type { FinishedCase } from "./seed.ts";
export { type Standing, stand } from "./standing.ts";
