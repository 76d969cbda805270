/** A Welcome waits for each added device, not for the first of an account's (DEL-29). An empty key: any of them. */
export const welcomes = `
alter table welcome_recipients add column device_key bytea not null default '';
alter table welcome_recipients drop constraint welcome_recipients_pkey;
alter table welcome_recipients add primary key (account, welcome, device_key);
`;
