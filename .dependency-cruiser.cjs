// Imports point downwards only: floor 0 (pure) <- floor 1 (touches the world) <- floor 2 (programs).
const PURE = "^packages/(encoding|tlog|quorum|envelope|attachment|charter|notice|gate|hi1)/src";
module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "pure-floor-stays-pure",
      comment: "Floor 0 gets clock, randomness, network and disk as arguments.",
      severity: "error",
      from: { path: PURE, pathNot: "node-suite\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "floor-0-imports-floor-0",
      severity: "error",
      from: { path: PURE },
      to: { path: "^(packages|apps)/", pathNot: PURE },
    },
    {
      name: "packages-never-import-programs",
      severity: "error",
      from: { path: "^packages" },
      to: { path: "^apps" },
    },
    {
      name: "programs-never-import-programs",
      severity: "error",
      from: { path: "^apps/([^/]+)/" },
      to: { path: "^apps/([^/]+)/", pathNot: "^apps/$1/" },
    },
    { name: "tests-are-not-imported", severity: "error", from: { path: "/src/" }, to: { path: "/test/" } },
    {
      name: "ts-mls-behind-our-own-package",
      severity: "error",
      from: { pathNot: "^packages/mls/" },
      to: { path: "node_modules/ts-mls" },
    },
  ],
  options: {
    exclude: { path: "^apps/web/dist" },
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
