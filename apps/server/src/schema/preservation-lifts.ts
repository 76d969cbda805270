/** That an order to preserve ended early (PRES-14): sealed as orders are. The log shows that it did. */
export const preservationLifts = `
create table preservation_lifts (commitment bytea primary key, sealed bytea not null);
`;
