import encodeQR from "qr";
import { type ReactElement, useMemo } from "react";

/** Row by row, dark is true, with a light border around. */
export function qrModules(text: string): readonly (readonly boolean[])[] {
  return encodeQR(text, "raw", { border: 2 });
}

/** Dark on light in every theme: readers need it so. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }): ReactElement {
  const { size, path } = useMemo(() => {
    const rows = qrModules(text);
    const squares = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { size: rows.length, path: squares.join("") };
  }, [text]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <rect width={size} height={size} className="qr-light" />
      <path d={path} className="qr-dark" />
    </svg>
  );
}
