/**
 * Called at the places where a crash would hurt most, with a name for each; tests kill the process there. The program
 * itself runs with {@link noHooks}.
 */
export type Hooks = { readonly at: (place: string) => void };

export const noHooks: Hooks = { at: () => {} };
