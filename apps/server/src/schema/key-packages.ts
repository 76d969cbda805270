/** A key package is handed out for a limited time (DEL-13); one from before this column as if it was left just now. */
export const keyPackages = `
alter table key_packages add column left_at bigint not null default 4102444800;
`;
