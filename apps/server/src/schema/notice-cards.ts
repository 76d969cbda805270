/** Each account's notice key as its identity key signed it (DEL-15). It outlives the account: what was sent may be opened. */
export const noticeCards = `
create table notice_cards (account bytea primary key, card bytea not null);
`;
