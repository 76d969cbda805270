// zod tries whether it may compile code, which the page's policy refuses and reports: it is told not to try. First of
// the worker's imports, because zod asks when its schemas are made.
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
