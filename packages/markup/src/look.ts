/** Colours that the pages of this project share, light and dark. */
export const TOKENS = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d22; --soft: #565b66; --line: #d9dce3; --panel: #f5f6f9; --court: #46286e; --house: #0f5257;
  --warn: #7a4a00; --warn-panel: #fff4dc; --warn-line: #e3b75c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171c; --ink: #e8eaef; --soft: #a5acb9; --line: #343943; --panel: #1e2128; --court: #c9b0f0; --house: #8fd0d4;
    --warn: #f0cd85; --warn-panel: #2e2616; --warn-line: #6c5621;
  }
}
`;
