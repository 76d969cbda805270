/**
 * What the deletions of each run came to: signed documents (RET-4), oldest first by `number`. The index finds what is
 * old without costing delivery anything: items arrive in the order of their times.
 */
export const retention = `
create table retention_reports (number bigint primary key, day bigint not null, document text not null);
create index on items using brin (at);
`;
